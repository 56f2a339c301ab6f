"""A process killed between handling an event and recording it gets the event again."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from application.context import RequestContext
from application.processes.event_pump import Consumer, EventPump
from domain.shared.events import LoggedEvent, NewEvent, explained
from infrastructure.persistence.event_delivery import SqlEventDeliveries, SqlEventLog
from infrastructure.persistence.store import SqlStore
from tests.support.corporate_book import opened_store
from tests.support.hand_clock import HandClock

VICTIM = """
import os, signal, sys, threading
from application.processes.event_pump import Consumer, EventPump
from infrastructure.clock import SystemClock
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.event_delivery import SqlEventDeliveries, SqlEventLog
from infrastructure.persistence.store import SqlStore

store = SqlStore(open_database(sys.argv[1]), SystemClock())

class Fatal(SqlEventDeliveries):
    def advance(self, consumer, seq):
        if seq == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        super().advance(consumer, seq)

def handle(event):
    with open(sys.argv[2], "a") as file:
        file.write(f"{event.seq}\\n")

pump = EventPump(SqlEventLog(store), Fatal(store))
pump.register(Consumer("inbox", handle))
pump.start()
threading.Event().wait(60)
"""


def test_the_event_handled_before_the_kill_comes_again_and_none_is_skipped(
    tmp_path: Path,
) -> None:
    address = f"sqlite:///{tmp_path / 'ballast.db'}"
    clock = HandClock(datetime(2026, 1, 5, 15, tzinfo=UTC))
    store = opened_store(address, clock)
    _write(store, 3)
    store.close()

    handled = tmp_path / "handled"
    killed = subprocess.run(
        [sys.executable, "-c", VICTIM, address, str(handled)], timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert handled.read_text().split() == ["1", "2"]

    store = opened_store(address, clock)
    seen: list[int] = []
    complete = Event()

    def handle(event: LoggedEvent) -> None:
        seen.append(event.seq)
        if event.seq == 3:
            complete.set()

    pump = EventPump(SqlEventLog(store), SqlEventDeliveries(store))
    pump.register(Consumer("inbox", handle))
    pump.start()
    assert complete.wait(30), seen
    pump.stop()
    store.close()
    assert seen == [2, 3]


def _write(store: SqlStore, count: int) -> None:
    data = explained("", inputs={}, outputs={})
    context = RequestContext("usr_1", "usr_1", "req_1")
    store.command(
        lambda work: work.events.append(
            [NewEvent("order_filled", "position", "pos_1", None, data, work.now)] * count
        ),
        context,
    ).result()

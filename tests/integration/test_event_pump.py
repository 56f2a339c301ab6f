"""The pump on the databases: at least once, in order, past poison, from a cursor that survives."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from application.context import RequestContext
from application.ports.repositories import EventFilter
from application.ports.unit_of_work import UnitOfWork
from application.processes.event_pump import ATTEMPTS_MAX, Consumer, EventPump, Pace
from domain.shared.errors import Defect, Unavailable
from domain.shared.events import LoggedEvent, NewEvent, explained
from infrastructure.persistence.event_delivery import SqlEventDeliveries, SqlEventLog
from infrastructure.persistence.store import SqlStore
from tests.support.corporate_book import opened_store
from tests.support.hand_clock import HandClock
from tests.support.scene import address_of

PATIENCE_S = 30
OWNER = RequestContext("usr_1", "usr_1", "req_1")
BRISK = Pace(idle_s=0.05, pause_s=0.001)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    clock = HandClock(datetime(2026, 1, 5, 15, tzinfo=UTC))
    with address_of(request.param, tmp_path) as address:
        opened = opened_store(address, clock)
        try:
            yield opened
        finally:
            opened.close()


def write(store: SqlStore, *names: str, kind: str = "order_filled") -> None:
    def append(work: UnitOfWork) -> None:
        data = explained("", inputs={}, outputs={})
        work.events.append([NewEvent(kind, "position", n, None, data, work.now) for n in names])

    store.command(append, OWNER).result()


def pump_of(
    store: SqlStore, *consumers: Consumer, deliveries: SqlEventDeliveries | None = None
) -> EventPump:
    pump = EventPump(SqlEventLog(store), deliveries or SqlEventDeliveries(store), BRISK)
    for consumer in consumers:
        pump.register(consumer)
    store.on_commit(pump.wake)
    pump.start()
    return pump


class Inbox:
    """Remembers what it was given and tells when it has enough."""

    def __init__(self, expected: int, fails: Callable[[LoggedEvent], bool] | None = None) -> None:
        self.seen: list[int] = []
        self.handled: list[int] = []
        self.complete = Event()
        self._expected = expected
        self._fails = fails or (lambda _event: False)

    def __call__(self, event: LoggedEvent) -> None:
        self.seen.append(event.seq)
        if self._fails(event):
            raise ValueError("https://secret.example/token")
        self.handled.append(event.seq)
        if len(self.handled) >= self._expected:
            self.complete.set()

    def wait(self) -> None:
        assert self.complete.wait(PATIENCE_S), self.handled


def test_events_arrive_in_order_and_the_cursor_survives_a_restart(store: SqlStore) -> None:
    write(store, "a", "b", "a")
    first = Inbox(5)
    pump = pump_of(store, Consumer("inbox", first))
    write(store, "b", "c")
    first.wait()
    pump.stop()
    assert first.handled == [1, 2, 3, 4, 5]
    assert SqlEventDeliveries(store).cursor("inbox") == 5
    write(store, "d")
    second = Inbox(1)
    pump = pump_of(store, Consumer("inbox", second))
    second.wait()
    pump.stop()
    assert second.handled == [6]


class LostWrites(SqlEventDeliveries):
    """Stands for a process that dies between handling and the cursor's write."""

    def advance(self, consumer: str, seq: int) -> None:
        if seq > 1:
            raise Unavailable("store_unavailable", "gone")
        super().advance(consumer, seq)


def test_what_was_handled_but_not_recorded_is_delivered_again(store: SqlStore) -> None:
    write(store, "a", "b", "c")
    first = Inbox(2)
    pump = pump_of(store, Consumer("inbox", first), deliveries=LostWrites(store))
    first.wait()
    pump.stop()
    assert first.handled[:2] == [1, 2]
    second = Inbox(2)
    pump = pump_of(store, Consumer("inbox", second))
    second.wait()
    pump.stop()
    assert second.handled == [2, 3]


def test_a_poison_event_is_parked_after_eight_tries_with_an_alert(store: SqlStore) -> None:
    write(store, "a", "poison", "b")
    inbox = Inbox(3, fails=lambda event: event.aggregate_id == "poison")
    pump = pump_of(store, Consumer("inbox", inbox))
    inbox.wait()
    pump.stop()
    assert inbox.seen == [1, *[2] * ATTEMPTS_MAX, 3, 4]
    (parked,) = SqlEventDeliveries(store).parked("inbox")
    assert (parked.seq, parked.attempts, parked.error) == (2, ATTEMPTS_MAX, "ValueError")
    (alert,) = store.query(
        lambda work: work.events.list(EventFilter(types=("alert_raised",))), OWNER
    )
    assert alert.data["inputs"] == {
        "code": "event_parked",
        "consumer": "inbox",
        "seq": 2,
        "event_id": parked_id(store, 2),
        "type": "order_filled",
    }
    assert "secret" not in str(alert.data)


def parked_id(store: SqlStore, seq: int) -> str:
    return SqlEventLog(store).after(seq - 1, 1)[0].id


def test_a_consumer_that_fails_on_everything_does_not_breed_alerts(store: SqlStore) -> None:
    write(store, "a")
    inbox = Inbox(1, fails=lambda _event: True)
    deliveries = SqlEventDeliveries(store)
    both_parked = Event()

    class Watched(SqlEventDeliveries):
        def park(self, consumer: str, event: LoggedEvent, attempts: int, error: str) -> None:
            super().park(consumer, event, attempts, error)
            if event.type == "alert_raised":
                both_parked.set()

    pump = pump_of(store, Consumer("inbox", inbox), deliveries=Watched(store))
    assert both_parked.wait(PATIENCE_S)
    pump.stop()
    assert [parked.seq for parked in deliveries.parked("inbox")] == [1, 2]
    assert SqlEventLog(store).last_seq() == 2


def test_one_consumer_that_waits_delays_no_other(store: SqlStore) -> None:
    write(store, "a", "b")
    entered, leave = Event(), Event()

    def stuck(_event: LoggedEvent) -> None:
        entered.set()
        leave.wait(PATIENCE_S)

    inbox = Inbox(2)
    pump = pump_of(store, Consumer("stuck", stuck), Consumer("inbox", inbox))
    assert entered.wait(PATIENCE_S)
    inbox.wait()
    lags = dict(pump.lags())
    leave.set()
    pump.stop()
    assert lags["stuck"] == 2


def test_a_consumer_sees_its_types_only_and_may_start_with_the_next_event(
    store: SqlStore,
) -> None:
    write(store, "a", kind="alert_raised")
    inbox = Inbox(1)
    alerts = frozenset({"alert_raised"})
    pump = pump_of(store, Consumer("news", inbox, types=alerts, starts_at_head=True))
    while SqlEventDeliveries(store).cursor("news") is None:
        assert pump.is_alive
    write(store, "b")
    write(store, "c", kind="alert_raised")
    inbox.wait()
    pump.stop()
    assert inbox.handled == [3]
    assert dict(pump.lags()) == {"news": 0}


def test_two_consumers_of_one_name_are_refused(store: SqlStore) -> None:
    pump = EventPump(SqlEventLog(store), SqlEventDeliveries(store))
    pump.register(Consumer("inbox", Inbox(1)))
    with pytest.raises(Defect):
        pump.register(Consumer("inbox", Inbox(1)))

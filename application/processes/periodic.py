"""A thread that takes a turn, waits, and takes the next one, whatever happened in the last."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from domain.shared.errors import Fault

STOP_WITHIN_S = 2.0
log = logging.getLogger("ballast.processes")


class Periodic:
    """Calls `turn` every `every_s` seconds until it is stopped; a failed turn is logged."""

    def __init__(
        self, name: str, turn: Callable[[], object], every_s: float, *, first_after_s: float = 0.0
    ) -> None:
        self.name = name
        self._turn = turn
        self._every_s = every_s
        self._first_after_s = first_after_s
        self._news = Event()
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=f"ballast-{name}", daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def wake(self) -> None:
        """Take the next turn now. Callable from any thread; returns at once."""
        self._news.set()

    def ask_to_stop(self) -> None:
        """Let the turn in progress be the last; returns at once."""
        self._stopping.set()
        self._news.set()

    def stop(self) -> None:
        """Return within 2 s. A turn still at work is left: what it commands is whole or nothing."""
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join(STOP_WITHIN_S)

    @property
    def is_stopping(self) -> bool:
        """True once it was asked to stop; long turns look at it between their parts."""
        return self._stopping.is_set()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        self._news.wait(self._first_after_s)
        while not self._stopping.is_set():
            self._news.clear()
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - process loop: the next turn must come
                log.warning("%s failed a turn: %s", self.name, kind_of(error))
            if not self._stopping.is_set():
                self._news.wait(self._every_s)


def kind_of(error: Exception) -> str:
    """What failed, without its text: messages of clients can carry addresses with secrets."""
    name = type(error).__name__
    return f"{name} {error.code}" if isinstance(error, Fault) else name


def told(error: Exception) -> tuple[str, str]:
    """Code and sentence for people; an error of unknown making says only what it is."""
    if isinstance(error, Fault):
        return error.code, error.message
    return "defect", f"{type(error).__name__}."

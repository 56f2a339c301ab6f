"""The newest equity points of this process, as fine as they came, in a ring."""

from collections import deque
from collections.abc import Sequence
from threading import Lock

from domain.portfolio.simulation_run import EquityPoint


class EquityRing:
    """Points of the current run; another run begins it anew. Thread-safe."""

    def __init__(self, points_max: int = 1000) -> None:
        self._points: deque[EquityPoint] = deque(maxlen=points_max)
        self._run_id = ""
        self._lock = Lock()

    def note(self, run_id: str, point: EquityPoint) -> None:
        """Keep a point."""
        with self._lock:
            if run_id != self._run_id:
                self._points.clear()
                self._run_id = run_id
            self._points.append(point)

    def of_run(self, run_id: str) -> Sequence[EquityPoint]:
        """Oldest first; empty for any run but the one noted last."""
        with self._lock:
            return list(self._points) if run_id == self._run_id else []

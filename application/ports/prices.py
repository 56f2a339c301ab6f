"""The newest price the service knows of an instrument; never an invented one."""

from datetime import datetime
from typing import Protocol

from domain.plans.plan import PriceView


class Prices(Protocol):
    """Reads without blocking on a network; thread-safe."""

    def newest(self, instrument: str, now: datetime) -> PriceView | None:
        """Newest stored price with its source, instant and age; null when none is known."""
        ...

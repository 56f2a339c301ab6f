"""Time comes in from outside, so every rule can be tested at any instant."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Thread-safe source of the current instant."""

    def now(self) -> datetime:
        """Aware UTC datetime."""
        ...

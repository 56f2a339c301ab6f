"""Where numbers of the market's state come from, and whose word counts."""

from enum import StrEnum


class StateSource(StrEnum):
    """Strongest first. `computed` is breadth computed here from stored daily series."""

    MANUAL = "manual"
    IMPORTED = "imported"
    VENDOR = "vendor"
    COMPUTED = "computed"
    BUNDLED = "bundled"
    REQUEST = "request"

    @property
    def rank(self) -> int:
        """Higher wins; equal rank: the newest wins."""
        return len(StateSource) - tuple(StateSource).index(self)


class VixSource(StrEnum):
    """Which index `vix` is: 30 days, or one day. A comparison never mixes the two."""

    VIX = "vix"
    VIX1D = "vix1d"

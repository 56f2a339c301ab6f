"""A statistic, or the reason there is none: nothing in Ballast answers NaN or a made-up number."""

import math
from dataclasses import dataclass
from decimal import Decimal

from domain.shared.decimals import fraction

MAGNITUDE_MAX = 1e12


@dataclass(frozen=True, slots=True)
class Figure:
    """Exactly one of `value` and `reason` is null; `value` is finite and below 1e12 in size."""

    value: float | None
    reason: str | None = None

    def to_decimal(self) -> Decimal | None:
        """The value re-quantised to the 10 decimals of a derived fraction."""
        return None if self.value is None else fraction(Decimal(repr(self.value)))


def known(value: float) -> Figure:
    """The value, or `out_of_range` where it is not finite or too large to mean anything."""
    if not math.isfinite(value) or abs(value) > MAGNITUDE_MAX:
        return Figure(None, "out_of_range")
    return Figure(float(value))


def missing(reason: str) -> Figure:
    """No value, and why."""
    return Figure(None, reason)

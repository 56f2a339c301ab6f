"""The prices of one session, or of the time since the last update, that a plan is judged on."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PriceBody:
    """Prices as a caller sends them; whatever is null was not sent."""

    close: Decimal | None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PriceBar:
    """Checked prices of `session`; `open` is null when nobody gave it.

    `is_final` false means the session still runs, so no time exit. `is_interval` means it covers
    only the time since the last update.
    """

    session: date
    high: Decimal
    low: Decimal
    close: Decimal
    open: Decimal | None = None
    is_final: bool = True
    is_interval: bool = False
    as_of: datetime | None = None

    def amended_by(self, later: "PriceBar") -> "PriceBar":
        """This running bar with a later body: first open, highest high, lowest low, last close."""
        return replace(
            later,
            open=self.open if self.open is not None else later.open,
            high=max(self.high, later.high),
            low=min(self.low, later.low),
            as_of=later.as_of or self.as_of,
        )


def checked_bar(
    body: PriceBody,
    session: date,
    *,
    is_final: bool = True,
    is_interval: bool = False,
    as_of: datetime | None = None,
) -> PriceBar:
    """`high` and `low` default to `close`; `low ≤ min(open, close)`, `max(open, close) ≤ high`.

    Raises `BadInput` `missing_close` without a close, `inconsistent_bar` when a price is not finite
    and above zero or the order above is broken.
    """
    raise NotImplementedError

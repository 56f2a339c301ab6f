"""The prices of one session, or of the time since the last update, that a plan is judged on."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from domain.shared.errors import BadInput, FieldFault


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
            is_interval=False,
            as_of=later.as_of or self.as_of,
        )


@dataclass(frozen=True, slots=True)
class BarBounds:
    """Where a new bar may lie: not before the entry, the last bar or the prices in use, nor later
    than `today` (null where no bar can be early).
    """

    entry_session: date
    prices_since: date
    opened_at: datetime | None = None
    last: PriceBar | None = None
    today: date | None = None


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
    close = body.close
    if close is None:
        message = "The bar has no close."
        fault = FieldFault("/close", "missing_close", "required")
        raise BadInput("missing_close", message, errors=(fault,))
    high = close if body.high is None else body.high
    low = close if body.low is None else body.low
    opening = close if body.open is None else body.open
    for name, price in (("close", close), ("open", opening), ("high", high), ("low", low)):
        if not (price.is_finite() and price > 0):
            raise _inconsistent(name, "finite and above zero")
    if low > min(opening, close):
        raise _inconsistent("low", "not above open or close")
    if high < max(opening, close):
        raise _inconsistent("high", "not below open or close")
    return PriceBar(session, high, low, close, body.open, is_final, is_interval, as_of)


def require_in_bounds(bar: PriceBar, bounds: BarBounds) -> None:
    """Raises `BadInput` `bar_in_future`, `bar_before_entry` or `bar_out_of_order`."""
    if bounds.today is not None and bar.session > bounds.today:
        message = f"The bar of {bar.session} is later than {bounds.today}."
        raise BadInput("bar_in_future", message)
    if bar.session < bounds.entry_session or _is_earlier(bar.as_of, bounds.opened_at):
        message = f"The bar of {bar.session} lies before the entry on {bounds.entry_session}."
        raise BadInput("bar_before_entry", message)
    last = bounds.last
    is_earlier_session = last is not None and bar.session < last.session
    is_earlier_time = (
        last is not None and bar.session == last.session and _is_earlier(bar.as_of, last.as_of)
    )
    if is_earlier_session or is_earlier_time or bar.session < bounds.prices_since:
        newest = bounds.prices_since if last is None else max(last.session, bounds.prices_since)
        message = f"The bar of {bar.session} is earlier than what was seen of {newest}."
        raise BadInput("bar_out_of_order", message)


def _is_earlier(instant: datetime | None, than: datetime | None) -> bool:
    return instant is not None and than is not None and instant < than


def _inconsistent(name: str, message: str) -> BadInput:
    fault = FieldFault(f"/{name}", "inconsistent_bar", message)
    return BadInput(
        "inconsistent_bar", f"The bar is inconsistent: {name} {message}.", errors=(fault,)
    )

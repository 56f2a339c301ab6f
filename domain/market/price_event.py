"""What a paper market is told of prices: a quote, or a bar. Nothing here is ever derived from an
entry price, a constant or zero; a price nobody gave does not exist.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.shared.decimals import ZERO, divide
from domain.shared.errors import Defect, Invalid

PRICE_AGE_MAX_S = Decimal(15)
NO_PRICE = "no_price"
PRICE_STALE = "price_stale"


@dataclass(frozen=True, slots=True)
class BookLevel:
    """One price of an order book and the quantity offered there."""

    price: Decimal
    qty: Decimal


@dataclass(frozen=True, slots=True)
class PriceTick:
    """Everything known of one symbol at `at`; it replaces the tick before it.

    `bids` fall and `asks` rise from the touch; without them only the touch is known and its size is
    not. `is_bar_close`: all that is known is how a bar ended; orders wait for the next one then.
    Invalid `inconsistent_price` when a price is not above zero or the book is crossed.
    """

    instrument: str
    at: datetime
    source: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    mark: Decimal | None = None
    bids: tuple[BookLevel, ...] = ()
    asks: tuple[BookLevel, ...] = ()
    is_bar_close: bool = False

    def __post_init__(self) -> None:
        given = [p for p in (self.bid, self.ask, self.last, self.mark) if p is not None]
        if any(not price.is_finite() or price <= 0 for price in given):
            raise Invalid("inconsistent_price", "Prices are finite and above zero.")
        if self.bid is not None and self.ask is not None and self.bid > self.ask:
            raise Invalid("inconsistent_price", "The bid lies above the ask.")
        _require_sorted(self.bid, self.bids, falling=True)
        _require_sorted(self.ask, self.asks, falling=False)

    @property
    def valuation(self) -> Decimal | None:
        """What positions are valued and stops triggered at: mark, else last, else mid."""
        if self.mark is not None:
            return self.mark
        if self.last is not None:
            return self.last
        if self.bid is None or self.ask is None:
            return None
        return divide(self.bid + self.ask, Decimal(2))


@dataclass(frozen=True, slots=True)
class PriceBar:
    """One finished bar [opens_at, closes_at). Defect `impossible_bar` when its prices cannot
    be."""

    instrument: str
    opens_at: datetime
    closes_at: datetime
    source: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal

    def __post_init__(self) -> None:
        prices = (self.open, self.high, self.low, self.close)
        if any(not price.is_finite() or price <= 0 for price in prices):
            raise Defect("impossible_bar", "Prices are finite and above zero.")
        if self.low > min(self.open, self.close) or self.high < max(self.open, self.close):
            raise Defect("impossible_bar", "Open and close lie between low and high.")
        if self.closes_at <= self.opens_at:
            raise Defect("impossible_bar", "A bar closes after it opens.")

    def close_tick(self) -> PriceTick:
        """What is known once the bar has closed: its close was the last price."""
        return PriceTick(
            self.instrument, self.closes_at, self.source, last=self.close, is_bar_close=True
        )


def price_problem(
    tick: PriceTick | None, now: datetime, age_max_s: Decimal = PRICE_AGE_MAX_S
) -> str | None:
    """Why no order may be matched against the tick: `no_price`, `price_stale`; null when it may."""
    if tick is None:
        return NO_PRICE
    age_s = Decimal(str((now - tick.at).total_seconds()))
    return PRICE_STALE if age_s > age_max_s else None


def _require_sorted(touch: Decimal | None, levels: tuple[BookLevel, ...], *, falling: bool) -> None:
    if not levels:
        return
    if any(level.price <= 0 or level.qty < ZERO for level in levels):
        raise Invalid("inconsistent_price", "Levels have prices above zero and no negative size.")
    prices = [level.price for level in levels]
    if prices != sorted(set(prices), reverse=falling):
        raise Invalid("inconsistent_price", "Levels run from the touch outward, one per price.")
    if touch is None or (touch < prices[0] if falling else touch > prices[0]):
        raise Invalid("inconsistent_price", "The first level is the touch or lies behind it.")

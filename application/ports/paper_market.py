"""A simulated market for one account: orders and prices in, executions and order facts out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from domain.market.price_event import PRICE_AGE_MAX_S, PriceBar, PriceTick
from domain.portfolio.cost_basis import CostBasis
from domain.portfolio.execution import Execution, News, OrderReport
from domain.portfolio.ticket import OrderTicket, RestingOrder

HALF_SPREAD = Decimal("0.0001")


class SizeModel(StrEnum):
    """`top`: the whole quantity at the touch. `book`: walk the known levels, partial fills."""

    TOP = "top"
    BOOK = "book"


@dataclass(frozen=True, slots=True)
class PaperTerms:
    """How the account's market behaves; fractions of price or notional.

    `liquidation_rate` is the commission of a liquidation, which has no order to copy one from.
    """

    account_id: str
    price_age_max_s: Decimal = PRICE_AGE_MAX_S
    half_spread: Decimal = HALF_SPREAD
    maintenance_rate: Decimal = Decimal("0.005")
    liquidation_rate: Decimal = Decimal("0.001")
    size_model: SizeModel = SizeModel.TOP


@dataclass(frozen=True, slots=True)
class PaperPosition:
    """One net position: signed quantity and cost; leverage and tick of the order that opened it.

    `traded_at` is its last execution: no quote from before it liquidates what it made.
    """

    instrument: str
    basis: CostBasis
    tick_size: Decimal
    leverage: int = 1
    traded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PaperSnapshot:
    """All a market needs to go on: an equal snapshot answers equal events equally.

    Every part is stored elsewhere; `prices` may be left out, then every symbol waits for its next
    price. `next_seq` above those of the orders keeps numbering as it was.
    """

    wallet: Decimal
    orders: tuple[RestingOrder, ...] = ()
    positions: tuple[PaperPosition, ...] = ()
    prices: tuple[PriceTick, ...] = ()
    next_seq: int = 1


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """`equity = wallet + unrealised`; `available = equity − used margin − order margin`.

    `unpriced` names held symbols without any price; the sums that need it are null then.
    """

    at: datetime
    wallet: Decimal
    used_margin: Decimal
    order_margin: Decimal
    unrealized_pnl: Decimal | None
    equity: Decimal | None
    available: Decimal | None
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """`qty · mark · rate`, above zero when the account pays it."""

    instrument: str
    at: datetime
    qty: Decimal
    mark: Decimal
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class MarketAnswer:
    """What one call brought about, in the order in which it happened, and the equity after it."""

    news: tuple[News, ...]
    equity: EquityPoint

    @property
    def executions(self) -> tuple[Execution, ...]:
        """Executions among the news."""
        return tuple(item for item in self.news if isinstance(item, Execution))

    @property
    def reports(self) -> tuple[OrderReport, ...]:
        """Order facts among the news."""
        return tuple(item for item in self.news if isinstance(item, OrderReport))


class PaperMarket(Protocol):
    """Single-threaded and without a clock: every call names its instant, and equal calls on equal
    snapshots give equal answers. Refusals are reports, never exceptions. Prices that are older than
    the one already known are ignored.
    """

    def submit(
        self, ticket: OrderTicket, at: datetime, children: Sequence[OrderTicket] = ()
    ) -> MarketAnswer:
        """Accept and match on arrival, or reject: `no_price`, `price_stale`, `invalid_order`.

        Children name the ticket as their parent; they are accepted or rejected with it.
        """
        ...

    def cancel(self, order_id: str, at: datetime) -> MarketAnswer:
        """End the order and its sleeping children; no news when it has ended already."""
        ...

    def move_stop(self, order_id: str, stop_price: Decimal, at: datetime) -> MarketAnswer:
        """Move a stop toward profit; no news when it would widen, has triggered or ended."""
        ...

    def on_tick(self, tick: PriceTick) -> MarketAnswer:
        """Stops, limits, trailing levels, liquidation, expiry, equity: in this order."""
        ...

    def on_bar(self, bar: PriceBar) -> MarketAnswer:
        """The same for a finished bar; orders accepted after it opened wait for the next one."""
        ...

    def expire_due(self, at: datetime) -> MarketAnswer:
        """End what has reached its end without waiting for a price."""
        ...

    def fund(self, instrument: str, rate: Decimal, at: datetime) -> FundingPayment | None:
        """Settle one funding stamp on the position; null when flat or no mark is known."""
        ...

    def move_cash(self, amount: Decimal) -> None:
        """A deposit (+) or withdrawal (−) that was booked."""
        ...

    def open_orders(self, instrument: str | None = None) -> tuple[RestingOrder, ...]:
        """Orders that have not ended, by time priority."""
        ...

    def position(self, instrument: str) -> PaperPosition | None:
        """The net position; null when flat."""
        ...

    def equity(self, at: datetime) -> EquityPoint:
        """Equity from the marks known now."""
        ...

    def snapshot(self) -> PaperSnapshot:
        """Everything needed to rebuild this market."""
        ...

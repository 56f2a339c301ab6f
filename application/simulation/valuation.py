"""What a run is worth now, from its ledger, its positions and the newest prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.ports.repositories import Page, PositionFilter
from application.ports.unit_of_work import UnitOfWork
from domain.market.price_event import PriceTick
from domain.portfolio.account import Account
from domain.portfolio.ledger import Bucket, LedgerKey
from domain.portfolio.margin import isolated_margin, unrealized_pnl
from domain.portfolio.position import Position, PositionStatus
from domain.portfolio.round_trip import RoundTrip
from domain.portfolio.simulation_run import EquityPoint, SimulationRun
from domain.shared.decimals import ZERO

POSITIONS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class ValuedHolding:
    """An open position at its mark; null figures have no price."""

    position: Position
    trip: RoundTrip | None
    tick: PriceTick | None
    mark: Decimal | None
    unrealized_pnl: Decimal | None
    margin: Decimal

    @property
    def leverage(self) -> int:
        """The one it was opened with."""
        return self.trip.leverage if self.trip else 1


@dataclass(frozen=True, slots=True)
class Valuation:
    """`wallet = flows + realised − fees − funding`; `equity = wallet + unrealised`;
    `available = equity − used margin − margin of open orders`. Null where a price is missing.
    """

    flows: Decimal
    realized_pnl: Decimal
    fees: Decimal
    funding: Decimal
    wallet: Decimal
    used_margin: Decimal
    order_margin: Decimal
    holdings: tuple[ValuedHolding, ...]
    unpriced: tuple[str, ...]
    unrealized_pnl: Decimal | None
    equity: Decimal | None
    available: Decimal | None

    def point(self, at: datetime) -> EquityPoint | None:
        """A point of the equity curve; none while a price is missing."""
        if self.equity is None or self.unrealized_pnl is None:
            return None
        return EquityPoint(at, self.equity, self.wallet, self.unrealized_pnl, self.realized_pnl)


def value_run(run: SimulationRun, account: Account, work: UnitOfWork) -> Valuation:
    """The run at its newest prices."""
    book = work.simulation
    ticks = {tick.instrument: tick for tick in book.prices.of_run(run.id)}
    trips = {trip.position_id: trip for trip in book.trips.open_in(run.id)}
    where = PositionFilter(account_id=run.id, status=PositionStatus.OPEN.value)
    positions = book.positions.list(where, Page(limit=POSITIONS_MAX))
    holdings = tuple(_holding(p, trips.get(p.id), ticks.get(p.instrument)) for p in positions)
    return _valued(run, account, book.ledger.amounts(run.id), holdings)


def _holding(position: Position, trip: RoundTrip | None, tick: PriceTick | None) -> ValuedHolding:
    mark = None if tick is None else tick.valuation
    cost = position.basis.cost or ZERO
    unrealized = None if mark is None else unrealized_pnl(position.qty, cost, mark)
    margin = isolated_margin(cost, trip.leverage if trip else 1)
    return ValuedHolding(position, trip, tick, mark, unrealized, margin)


def _valued(
    run: SimulationRun,
    account: Account,
    amounts: Mapping[LedgerKey, Decimal],
    holdings: Sequence[ValuedHolding],
) -> Valuation:
    def held(bucket: Bucket) -> Decimal:
        key = LedgerKey(run.id, run.id, account.base_currency, bucket)
        return amounts.get(key, ZERO)

    used = sum((h.margin for h in holdings), ZERO)
    unpriced = tuple(h.position.instrument for h in holdings if h.mark is None)
    gained = sum((h.unrealized_pnl or ZERO for h in holdings), ZERO)
    wallet = held(Bucket.AVAILABLE) + held(Bucket.MARGIN)
    return Valuation(
        flows=-held(Bucket.EXTERNAL),
        realized_pnl=-held(Bucket.MARKET),
        fees=held(Bucket.FEES),
        funding=held(Bucket.FUNDING),
        wallet=wallet,
        used_margin=used,
        order_margin=held(Bucket.MARGIN) - used,
        holdings=tuple(holdings),
        unpriced=unpriced,
        unrealized_pnl=None if unpriced else gained,
        equity=None if unpriced else wallet + gained,
        available=None if unpriced else held(Bucket.AVAILABLE) + gained,
    )

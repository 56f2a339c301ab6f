"""The market of one instrument in one run, rebuilt from the store inside the transaction.

Everything a paper market remembers is stored, so each command opens it, tells it what happened,
books what it answers and lets it go. Only the instrument's own orders and position are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from application.ports.paper_market import (
    PaperMarket,
    PaperPosition,
    PaperSnapshot,
    PaperTerms,
)
from application.ports.simulation import PaperMarkets, StoredTicket
from application.ports.unit_of_work import UnitOfWork
from application.simulation.paper_instrument import paper_instrument
from domain.market.price_event import PriceTick
from domain.portfolio.account import Account
from domain.portfolio.execution import Execution, News, OrderReport, ReportKind
from domain.portfolio.ledger import Bucket, LedgerKey
from domain.portfolio.position import Position
from domain.portfolio.round_trip import RoundTrip
from domain.portfolio.simulation_run import SimulationRun
from domain.portfolio.ticket import OrderTicket, RestingOrder


@dataclass(frozen=True, slots=True)
class PaperDesk:
    """An open market with what it was opened from. `at` is the time of the run's market."""

    run: SimulationRun
    account: Account
    instrument: str
    market: PaperMarket
    resting: Sequence[RestingOrder]
    position: Position | None
    trip: RoundTrip | None
    tick: PriceTick | None
    at: datetime


class OpenDesk:
    """Opens the market of an instrument as the store left it."""

    def __init__(self, markets: PaperMarkets) -> None:
        self._markets = markets

    def __call__(
        self,
        run: SimulationRun,
        account: Account,
        instrument: str,
        work: UnitOfWork,
        tick: PriceTick | None = None,
    ) -> PaperDesk:
        """`tick` is the newest price where the caller knows it; else it is read."""
        book = work.simulation
        resting = book.tickets.resting(run.id, instrument)
        position = live_position(run, instrument, work)
        trip = None if position is None else book.trips.open_of(position.id)
        if tick is None:
            ticks = {known.instrument: known for known in book.prices.of_run(run.id)}
            tick = ticks.get(instrument)
        market = self._markets.open(
            PaperTerms(
                account_id=run.id,
                price_age_max_s=Decimal(run.settings.price_age_max_s),
                liquidation_rate=account.costs.commission_rate,
            ),
            PaperSnapshot(
                wallet=_wallet(run, account, work),
                orders=tuple(resting),
                positions=_positions(position, trip, paper_instrument(instrument, work).tick_size),
                prices=() if tick is None else (tick,),
                next_seq=book.tickets.next_seq(run.id),
            ),
        )
        return PaperDesk(
            run, account, instrument, market, resting, position, trip, tick, run.clock(work.now)
        )


def live_position(run: SimulationRun, instrument: str, work: UnitOfWork) -> Position | None:
    """The run's one position in the instrument that is not closed; it may be pending."""
    held = work.simulation.positions.holding(instrument)
    return next((position for position in held if position.account_id == run.id), None)


def remember(
    desk: PaperDesk, news: Sequence[News], tickets: Sequence[OrderTicket], work: UnitOfWork
) -> list[str]:
    """Store what the market knows after its news; the ids of orders it no longer names.

    `tickets` are orders it heard of since it was opened.
    """
    known = {resting.ticket.order_id: resting for resting in desk.resting}
    now = {r.ticket.order_id: r for r in desk.market.open_orders(desk.instrument)}
    seq = work.simulation.tickets.next_seq(desk.run.id) if tickets else 0
    heard = {
        ticket.order_id: RestingOrder(ticket, desk.at, seq + number, open_qty=Decimal(0))
        for number, ticket in enumerate(tickets)
    }
    gone = [_at_its_end(r, news) for key, r in (heard | known).items() if key not in now]
    rows = [StoredTicket(resting) for key, resting in now.items() if known.get(key) != resting]
    rows += [StoredTicket(resting, ended_at=desk.at) for resting in gone]
    work.simulation.tickets.put(desk.run.id, rows)
    return [resting.ticket.order_id for resting in gone]


def _at_its_end(resting: RestingOrder, news: Sequence[News]) -> RestingOrder:
    """As the market last saw it: with the executions and the trigger that ended it."""
    order_id = resting.ticket.order_id
    for item in news:
        if isinstance(item, Execution) and item.order_id == order_id:
            resting = resting.filled(item.qty)
        elif isinstance(item, OrderReport) and item.order_id == order_id:
            level = item.stop_price or resting.stop_price
            triggered = resting.is_triggered or item.kind is ReportKind.TRIGGERED
            resting = replace(resting, stop_price=level, is_triggered=triggered)
    return replace(resting, open_qty=Decimal(0))


def _wallet(run: SimulationRun, account: Account, work: UnitOfWork) -> Decimal:
    balances = work.simulation.ledger.balances(run.id)
    own = (Bucket.AVAILABLE, Bucket.MARGIN)
    keys = [LedgerKey(run.id, run.id, account.base_currency, bucket) for bucket in own]
    return sum((balances.amount(key) for key in keys), Decimal(0))


def _positions(
    position: Position | None, trip: RoundTrip | None, tick_size: Decimal
) -> tuple[PaperPosition, ...]:
    if position is None or position.qty == 0:
        return ()
    leverage = 1 if trip is None else trip.leverage
    return (
        PaperPosition(
            position.instrument, position.basis, tick_size, leverage, position.last_executed_at
        ),
    )

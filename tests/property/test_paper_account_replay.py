"""A paper session replayed from its recorded price events gives the identical list of orders and
fills, on another store, and the equity identity holds after every event.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from application.ports.order_repositories import OrderFilter
from application.ports.repositories import Page
from application.ports.unit_of_work import Store, UnitOfWork
from application.simulation.apply_prices import ApplyPrices
from application.simulation.book_news import BookNews
from application.simulation.open_runs import OpenSimulation
from application.simulation.paper_desk import OpenDesk
from application.simulation.paper_orders import EndPaperOrder
from application.simulation.paper_request import PaperOrderRequest
from application.simulation.submit_paper_order import SubmitPaperOrder
from application.simulation.valuation import value_run
from domain.market.price_event import PriceTick
from domain.portfolio.order import OrderType
from domain.portfolio.simulation_run import PriceSource, SimulationSettings
from domain.shared.side import Side
from infrastructure.exchanges.paper.markets import PaperMarketsFromSnapshots
from infrastructure.ids import UuidIds
from infrastructure.persistence.memory.store import MemoryStore
from tests.support.hand_clock import HandClock
from tests.support.portfolio import OWNER, START

D = Decimal
BTC, ETH = "BTC-USDT-PERP", "ETH-USDT-PERP"
UNBOUND = SimulationSettings(
    max_positions=100, risk_per_trade=D(1), min_reward_risk=D(0), price_age_max_s=10**6
)


@dataclass(frozen=True)
class Act:
    """What people did between two price events: an order, or nothing."""

    request: PaperOrderRequest | None
    price: tuple[str, Decimal, Decimal]


class Session:
    """One paper account on a store of its own, driven through its use cases."""

    def __init__(self) -> None:
        ids = UuidIds()
        self.clock = HandClock(START)
        self.store: Store = MemoryStore(self.clock)
        end = EndPaperOrder(ids)
        desk, news = OpenDesk(PaperMarketsFromSnapshots()), BookNews(ids, end)
        self.submit = SubmitPaperOrder(ids, desk, news)
        self.apply = ApplyPrices(desk, news)
        self.record: list[PriceTick] = []
        opening = OpenSimulation(ids, UNBOUND, D(10_000))
        self.do(opening)
        self.do(self._start)

    def _start(self, work: UnitOfWork) -> None:
        run = work.simulation.runs.current()
        started = run.started(PriceSource.MANUAL, (), None, work.now)
        work.simulation.runs.save(started)

    def do(self, work: Any) -> Any:
        return self.store.command(work, OWNER).result()

    def tell(self, tick: PriceTick) -> None:
        self.record.append(tick)
        self.do(lambda work: self.apply([tick], work))
        self.require_identity()

    def ask(self, request: PaperOrderRequest) -> None:
        self.do(lambda work: self.submit(request, work))
        self.require_identity()

    def require_identity(self) -> None:
        def check(work: UnitOfWork) -> None:
            run = work.simulation.runs.current()
            value = value_run(run, work.accounts.simulation(), work)
            assert value.unrealized_pnl is not None
            made = value.flows + value.realized_pnl - value.fees - value.funding
            assert value.wallet == made
            assert value.equity == made + value.unrealized_pnl
            assert value.available == value.equity - value.used_margin - value.order_margin
            book = work.simulation
            trips = [*book.trips.closed(run.id, Page(limit=1000)), *book.trips.open_in(run.id)]
            assert sum((t.realized_pnl for t in trips), D(0)) == value.realized_pnl
            assert sum((t.fees for t in trips), D(0)) == value.fees

        self.store.query(check, OWNER)

    def outcome(self) -> list[tuple[object, ...]]:
        def read(work: UnitOfWork) -> list[tuple[object, ...]]:
            book = work.simulation
            run = book.runs.current()
            orders = book.orders.list(OrderFilter(run.id), Page(limit=1000))
            number = {order.id: index for index, order in enumerate(orders)}
            fills = [
                fill
                for order_position in sorted({o.position_id for o in orders})
                for fill in book.fills.of_position(order_position)
            ]
            return [
                *((o.terms, o.status, o.reason, o.filled_qty, o.filled_notional) for o in orders),
                *(
                    (number[f.order_id], f.side, f.qty, f.price, f.fee, f.realized_pnl)
                    for f in fills
                ),
            ]

        return self.store.query(read, OWNER)


prices = st.decimals("60", "140", places=2)
requests = st.builds(
    PaperOrderRequest,
    symbol=st.sampled_from((BTC, ETH)),
    side=st.sampled_from(Side),
    qty=st.decimals("0.1", "30", places=1),
    reduce_only=st.booleans(),
    leverage=st.none(),
)
kinds = st.tuples(st.sampled_from(OrderType), prices, prices, st.decimals("0.01", "0.2", places=2))


def typed(request: PaperOrderRequest, kind: tuple[OrderType, Decimal, Decimal, Decimal]) -> Any:
    order_type, limit, stop, trail = kind
    return replace(
        request,
        type=order_type,
        limit_price=limit if order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        stop_price=stop if order_type in (OrderType.STOP_MARKET, OrderType.STOP_LIMIT) else None,
        trail_fraction=trail if order_type is OrderType.TRAILING_STOP else None,
    )


acts = st.lists(
    st.builds(
        Act,
        request=st.none() | st.builds(typed, requests, kinds),
        price=st.tuples(st.sampled_from((BTC, ETH)), prices, st.decimals("0", "1", places=2)),
    ),
    min_size=3,
    max_size=15,
)


def play(session: Session, script: Sequence[Act], record: Sequence[PriceTick] | None) -> None:
    """Prices come from the script, or from the record of the session before."""
    at = START
    for step, symbol in enumerate((BTC, ETH)):
        session.tell(record[step] if record else PriceTick(symbol, at, "manual", last=D(100)))
    for step, act in enumerate(script, 2):
        at += timedelta(seconds=1)
        if act.request is not None:
            session.ask(act.request)
        symbol, bid, spread = act.price
        tick = PriceTick(symbol, at, "manual", bid=bid, ask=bid + spread, mark=bid)
        session.tell(record[step] if record else tick)


@given(acts)
@settings(max_examples=40)
def test_recorded_price_events_give_the_same_orders_and_fills(script: list[Act]) -> None:
    first, again = Session(), Session()
    play(first, script, None)
    play(again, script, list(first.record))
    assert again.outcome() == first.outcome()

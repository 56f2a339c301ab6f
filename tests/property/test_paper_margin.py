"""No accepted order takes the account beyond its equity, whatever was traded before: used margin
and the margin of resting orders never exceed it at the price the order was judged at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from application.ports.unit_of_work import UnitOfWork
from application.simulation.paper_request import PaperOrderRequest
from application.simulation.submit_paper_order import PaperSubmitted
from application.simulation.valuation import Valuation, value_run
from domain.market.price_event import PriceTick
from domain.portfolio.margin import MarginClaim, order_margin
from domain.portfolio.order import OrderType
from domain.shared.decimals import ZERO
from domain.shared.errors import Fault
from domain.shared.side import Side
from tests.property.test_paper_account_replay import BTC, ETH, Session
from tests.support.portfolio import OWNER, START

D = Decimal
prices = st.decimals("40", "200", places=1)


@dataclass(frozen=True)
class Move:
    """An order, or a quote whose ask lies `spread` above its bid."""

    request: PaperOrderRequest | None
    quote: tuple[str, Decimal, Decimal]


@st.composite
def requests(draw: st.DrawFn) -> PaperOrderRequest:
    kind = draw(st.sampled_from(OrderType))
    has_limit = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    has_stop = kind in (OrderType.STOP_MARKET, OrderType.STOP_LIMIT)
    return PaperOrderRequest(
        symbol=draw(st.sampled_from((BTC, ETH))),
        side=draw(st.sampled_from(Side)),
        type=kind,
        qty=draw(st.decimals("0.1", "150", places=1)),
        limit_price=draw(st.just(D("0.01")) | prices) if has_limit else None,
        stop_price=draw(prices) if has_stop else None,
        trail_fraction=D("0.05") if kind is OrderType.TRAILING_STOP else None,
        leverage=draw(st.sampled_from((None, 1, 10, 125))),
        reduce_only=draw(st.integers(0, 9)) == 0,
    )


quotes = st.tuples(st.sampled_from((BTC, ETH)), prices, st.sampled_from((D(0), D(0), D(2))))
moves = st.lists(
    st.builds(Move, st.none() | requests() | requests(), quotes), min_size=4, max_size=25
)


def valued(session: Session) -> Valuation:
    def read(work: UnitOfWork) -> Valuation:
        return value_run(work.simulation.runs.current(), work.accounts.simulation(), work)

    return session.store.query(read, OWNER)


def claimed(session: Session) -> Decimal:
    """Margin of the resting orders by the published rule, from what is stored."""

    def read(work: UnitOfWork) -> Decimal:
        book = work.simulation
        run = book.runs.current()
        total = ZERO
        for symbol in (BTC, ETH):
            held = [p.qty for p in book.positions.holding(symbol) if p.account_id == run.id]
            orders = [
                (resting, book.orders.get(resting.ticket.order_id))
                for resting in book.tickets.resting(run.id, symbol)
                if not resting.ticket.reduce_only
            ]
            claims = [
                MarginClaim(
                    order.terms.side.sign * resting.open_qty,
                    order.reservation_price or ZERO,
                    resting.ticket.leverage,
                    order.terms.commission_rate,
                )
                for resting, order in orders
            ]
            total += order_margin(sum(held, ZERO), claims)
        return total

    return session.store.query(read, OWNER)


def submitted(session: Session, request: PaperOrderRequest) -> PaperSubmitted | None:
    try:
        done: PaperSubmitted = session.do(lambda work: session.submit(request, work))
    except Fault:
        return None
    return done


def is_reducing(done: PaperSubmitted) -> bool:
    power = next(f for f in done.verdict.findings if f.code == "buying_power")
    return power.reason == "reducing"


def play(session: Session, script: Sequence[Move]) -> None:
    at = START
    for symbol in (BTC, ETH):
        session.tell(PriceTick(symbol, at, "manual", bid=D(100), ask=D(100), mark=D(100)))
    for move in script:
        at += timedelta(seconds=1)
        if move.request is None:
            symbol, bid, spread = move.quote
            ask, mark = bid + spread, bid + spread / 2
            session.tell(PriceTick(symbol, at, "manual", bid=bid, ask=ask, mark=mark))
        else:
            judge(session, move.request)
        assert valued(session).order_margin == claimed(session)


def judge(session: Session, request: PaperOrderRequest) -> None:
    before = valued(session).available
    done = submitted(session, request)
    if done is None or not done.accepted:
        return
    after = valued(session)
    assert before is not None and after.available is not None
    if not is_reducing(done):
        assert after.available >= 0, (request, after)
        # Nothing is accepted only to be cancelled in the same breath.
        assert done.order.reason != "buying_power", request
    elif before >= 0 and all(holding.leverage <= 10 for holding in after.holdings):
        # At the highest leverage a fee can be more than the margin it sets free.
        assert after.available >= 0, (request, after)


@given(moves)
@settings(max_examples=150, deadline=None)
def test_an_accepted_order_never_takes_the_account_beyond_its_equity(script: list[Move]) -> None:
    play(Session(), script)


def test_orders_that_would_turn_a_long_together_are_judged_together() -> None:
    session = Session()
    sell = PaperOrderRequest(
        symbol=BTC, side=Side.SELL, type=OrderType.LIMIT, qty=D(10), limit_price=D(110)
    )
    buy = replace(sell, side=Side.BUY, type=OrderType.MARKET, limit_price=None)
    play(session, [Move(buy, (BTC, D(100), D(0))), *[Move(sell, (BTC, D(100), D(0)))] * 100])
    # 10 close, and what is left of 10000 carries eight more.
    assert valued(session).order_margin == 8 * D("1101.1")
    session.tell(PriceTick(BTC, START + timedelta(days=1), "manual", bid=D(110), mark=D(110)))
    after = valued(session)
    assert [holding.position.qty for holding in after.holdings] == [-80]
    assert after.available is not None and after.available >= 0

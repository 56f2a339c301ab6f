"""Random paper sessions: what people and prices do to one account, as data that can be replayed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from application.ports.paper_market import (
    MarketAnswer,
    PaperMarket,
    PaperSnapshot,
    PaperTerms,
    SizeModel,
)
from domain.market.price_event import BookLevel, PriceBar, PriceTick
from domain.plans.bracket import BracketEntry, BracketPlan
from domain.portfolio.bracket_tickets import bracket_children
from domain.portfolio.order import OrderType, TimeInForce
from domain.portfolio.ticket import OrderTicket
from domain.shared.side import Side
from infrastructure.exchanges.paper.engine import PaperEngine
from tests.support.paper import START

D = Decimal
SYMBOLS = ("AAA", "BBB")
WALLET = D(100_000)
STEP = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Submit:
    """An order, perhaps with the two children of a bracket."""

    ticket: OrderTicket
    children: tuple[OrderTicket, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    """A cancel of an order that may have ended."""

    order_id: str
    at: datetime


Action = Submit | Cancel | PriceTick | PriceBar


def perform(market: PaperMarket, action: Action) -> MarketAnswer:
    """Tell the market one thing."""
    if isinstance(action, PriceTick):
        return market.on_tick(action)
    if isinstance(action, PriceBar):
        return market.on_bar(action)
    if isinstance(action, Cancel):
        return market.cancel(action.order_id, action.at)
    return market.submit(action.ticket, action.at, action.children)


def market(size_model: SizeModel = SizeModel.TOP) -> PaperEngine:
    """A fresh market with the session's wallet."""
    terms = PaperTerms("acc_paper", size_model=size_model, price_age_max_s=D(10_000))
    return PaperEngine(terms, PaperSnapshot(WALLET))


_price = st.integers(60, 140).map(D)
_qty = st.integers(1, 8).map(D)
_side = st.sampled_from(Side)
_symbol = st.sampled_from(SYMBOLS)
_sizes = st.lists(_qty, min_size=1, max_size=3)


@st.composite
def _tick(draw: st.DrawFn, at: datetime) -> PriceTick:
    bid = draw(_price)
    ask = bid + draw(st.integers(0, 3))
    bids = tuple(BookLevel(bid - i, qty) for i, qty in enumerate(draw(_sizes)))
    asks = tuple(BookLevel(ask + i, qty) for i, qty in enumerate(draw(_sizes)))
    mark = bid if draw(st.booleans()) else ask
    return PriceTick(draw(_symbol), at, "random", bid, ask, mark=mark, bids=bids, asks=asks)


@st.composite
def _bar(draw: st.DrawFn, at: datetime) -> PriceBar:
    a, b, c, d = (draw(_price) for _ in range(4))
    opens_at = at - STEP / 2
    return PriceBar(draw(_symbol), opens_at, at, "random", a, max(a, b, c, d), min(a, b, c, d), b)


@st.composite
def _submit(draw: st.DrawFn, number: int, at: datetime) -> Submit:
    kind = draw(st.sampled_from(OrderType))
    tif = draw(st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, *TimeInForce]))
    has_end = tif in (TimeInForce.DAY, TimeInForce.GTD)
    side, price = draw(_side), draw(_price)
    ticket = OrderTicket(
        order_id=f"ord_{number}",
        client_order_id=f"blo_{number}",
        account_id="acc_paper",
        instrument=draw(_symbol),
        side=side,
        qty=draw(_qty),
        tick_size=D(1),
        type=kind,
        time_in_force=tif,
        limit_price=draw(_price) if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        stop_price=price if kind in (OrderType.STOP_MARKET, OrderType.STOP_LIMIT) else None,
        trail_fraction=D("0.1") if kind is OrderType.TRAILING_STOP else None,
        expires_at=at + 4 * STEP if has_end else None,
        reduce_only=draw(st.booleans()),
        taker_rate=D("0.01"),
        maker_rate=D("0.005"),
        leverage=draw(st.sampled_from([1, 5])),
    )
    if ticket.reduce_only or draw(st.booleans()):
        return Submit(ticket, (), at)
    plan = BracketPlan(
        side,
        BracketEntry(),
        stop=price,
        take_profit=draw(st.none() | _price),
        trailing_fraction=draw(st.none() | st.just(D("0.05"))),
        stop_order_id=f"ord_{number}_s",
        target_order_id=f"ord_{number}_t",
    )
    return Submit(ticket, bracket_children(plan, ticket, ("s", "t")), at)


@st.composite
def sessions(draw: st.DrawFn, *, bars: bool | None = None) -> tuple[Action, ...]:
    """A first price of each symbol, then up to 25 things that happen."""
    if bars is None:
        bars = draw(st.booleans())
    at = START
    actions: list[Action] = [
        PriceTick(symbol, at, "random", D(100), D(101), mark=D(100)) for symbol in SYMBOLS
    ]
    for number in range(draw(st.integers(3, 25))):
        at += STEP
        kind = draw(st.sampled_from(["price", "price", "submit", "submit", "cancel"]))
        if kind == "price":
            actions.append(draw(_bar(at) if bars else _tick(at)))
        elif kind == "submit":
            actions.append(draw(_submit(number, at)))
        else:
            known = [a.ticket.order_id for a in actions if isinstance(a, Submit)]
            if known:
                actions.append(Cancel(draw(st.sampled_from(known)), at))
    return tuple(actions)


def told(engine: PaperMarket, session: tuple[Action, ...]) -> Iterator[MarketAnswer]:
    """Every answer of a whole session."""
    return (perform(engine, action) for action in session)

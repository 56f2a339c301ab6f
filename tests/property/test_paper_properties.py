"""Whatever people and prices do to a paper account: equity adds up, nothing is sold twice, nothing
executes at a price nobody gave, and a market rebuilt from what is stored goes on as if nothing was.
"""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from application.ports.paper_market import (
    MarketAnswer,
    PaperMarket,
    PaperSnapshot,
    SizeModel,
)
from domain.market.price_event import PriceBar, PriceTick
from domain.portfolio.execution import Execution, ExecutionReason, OrderReport, ReportKind
from domain.portfolio.fill import Liquidity
from domain.portfolio.lifecycle import OrderStatus, next_status
from domain.portfolio.margin import isolated_margin
from domain.portfolio.order import OrderType
from domain.portfolio.ticket import OrderTicket
from domain.shared.side import Side
from infrastructure.exchanges.paper.engine import PaperEngine
from tests.support.paper_session import SYMBOLS, WALLET, Action, Submit, market, perform, sessions

D = Decimal
models = st.sampled_from(SizeModel)
thorough = settings(max_examples=60, deadline=None)


class Reference:
    """The account as plain sums over executions: money out and in, contracts, fees."""

    def __init__(self) -> None:
        self.wallet_at_cost = WALLET
        self.qty: dict[str, Decimal] = defaultdict(Decimal)
        self.marks: dict[str, Decimal] = {}
        self.filled: dict[str, Decimal] = defaultdict(Decimal)
        self.tickets: dict[str, OrderTicket] = {}

    def hear(self, action: Action) -> None:
        if isinstance(action, PriceTick) and action.valuation is not None:
            self.marks[action.instrument] = action.valuation
        if isinstance(action, PriceBar):
            self.marks[action.instrument] = action.close
        if isinstance(action, Submit):
            for ticket in (action.ticket, *action.children):
                self.tickets[ticket.order_id] = ticket

    def book(self, fill: Execution) -> None:
        self.wallet_at_cost -= fill.side.sign * fill.qty * fill.price + fill.fee
        self.qty[fill.instrument] += fill.side.sign * fill.qty
        self.filled[fill.order_id or ""] += fill.qty

    @property
    def equity(self) -> Decimal:
        return self.wallet_at_cost + sum(
            (qty * self.marks[symbol] for symbol, qty in self.qty.items()), D(0)
        )


@thorough
@given(sessions(), models)
def test_equity_is_what_was_paid_in_and_out_and_what_is_held_at_the_mark(
    session: tuple[Action, ...], model: SizeModel
) -> None:
    engine, reference = market(model), Reference()
    for action in session:
        reference.hear(action)
        answer = perform(engine, action)
        for fill in answer.executions:
            reference.book(fill)
        point = answer.equity
        held = [p for s in SYMBOLS if (p := engine.position(s)) is not None]
        used = sum((isolated_margin(p.basis.cost or D(0), p.leverage) for p in held), D(0))
        assert point.equity == reference.equity
        assert point.wallet + (point.unrealized_pnl or 0) == point.equity
        assert point.used_margin == used
        assert point.available == reference.equity - used - point.order_margin
        assert {p.instrument: p.basis.qty for p in held} == {
            symbol: qty for symbol, qty in reference.qty.items() if qty
        }


@thorough
@given(sessions(), models)
def test_reduce_only_never_increases_or_flips_and_never_rests_beyond_the_position(
    session: tuple[Action, ...], model: SizeModel
) -> None:
    engine, reference = market(model), Reference()
    for action in session:
        reference.hear(action)
        for fill in perform(engine, action).executions:
            before = reference.qty[fill.instrument]
            reference.book(fill)
            after = reference.qty[fill.instrument]
            ticket = reference.tickets.get(fill.order_id or "")
            if ticket is None or ticket.reduce_only:
                assert abs(after) < abs(before)
                assert before * after >= 0
        for order in engine.open_orders():
            if order.ticket.reduce_only:
                closable = -order.ticket.side.sign * reference.qty[order.ticket.instrument]
                assert order.open_qty <= max(closable, D(0))


@thorough
@given(sessions(), models)
def test_a_group_never_fills_more_than_its_entry(
    session: tuple[Action, ...], model: SizeModel
) -> None:
    engine, reference = market(model), Reference()
    for action in session:
        reference.hear(action)
        for fill in perform(engine, action).executions:
            reference.book(fill)
        closed: dict[str, Decimal] = defaultdict(Decimal)
        for order_id, qty in reference.filled.items():
            ticket = reference.tickets.get(order_id)
            if ticket is not None:
                assert qty <= ticket.qty
                if ticket.parent_id is not None:
                    closed[ticket.parent_id] += qty
        for parent_id, qty in closed.items():
            assert qty <= reference.filled[parent_id]


@thorough
@given(sessions(bars=False), models)
def test_every_price_is_one_that_somebody_gave(
    session: tuple[Action, ...], model: SizeModel
) -> None:
    """Without slippage a taker pays a quoted level, a maker its limit, a liquidation the mark."""
    engine, reference = market(model), Reference()
    ticks: dict[str, PriceTick] = {}
    for action in session:
        reference.hear(action)
        if isinstance(action, PriceTick):
            ticks[action.instrument] = action
        for fill in perform(engine, action).executions:
            tick = ticks[fill.instrument]
            is_buy = fill.side is Side.BUY
            offered = tick.asks if is_buy else tick.bids
            quoted = {tick.ask if is_buy else tick.bid, *(level.price for level in offered)}
            if fill.reason is ExecutionReason.LIQUIDATION:
                assert fill.price == tick.valuation
                continue
            limit = reference.tickets[fill.order_id or ""].limit_price
            if fill.liquidity is Liquidity.MAKER:
                assert fill.price == limit
            else:
                assert fill.price in quoted
            assert fill.slippage == 0
            if limit is not None:
                assert fill.side.sign * fill.price <= fill.side.sign * limit


@thorough
@given(sessions(), models)
def test_what_is_told_of_an_order_is_a_legal_life(
    session: tuple[Action, ...], model: SizeModel
) -> None:
    """Reports and executions walk the order's state machine, and nothing is told after its end."""
    engine, reference = market(model), Reference()
    states: dict[str, OrderStatus] = {}
    for action in session:
        reference.hear(action)
        for item in perform(engine, action).news:
            if item.order_id is None:
                continue
            state = states.get(item.order_id, OrderStatus.SUBMITTING)
            assert not state.is_terminal
            if isinstance(item, OrderReport):
                fact = item.kind.fact
                states[item.order_id] = state if fact is None else next_status(state, fact)
                continue
            reference.book(item)
            whole = reference.filled[item.order_id] == reference.tickets[item.order_id].qty
            states[item.order_id] = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        resting = {order.ticket.order_id for order in engine.open_orders()}
        assert resting == {name for name, state in states.items() if not state.is_terminal}


@thorough
@given(sessions())
def test_a_trailing_level_never_gives_way(session: tuple[Action, ...]) -> None:
    engine, levels = market(), dict[str, Decimal]()
    for action in session:
        perform(engine, action)
        for order in engine.open_orders():
            level, name = order.stop_price, order.ticket.order_id
            if order.ticket.type is not OrderType.TRAILING_STOP or level is None:
                continue
            if order.open_qty == 0:
                levels.pop(name, None)
                continue
            sign = order.ticket.side.sign
            assert sign * level <= sign * levels.get(name, level)
            levels[name] = level


def stored(engine: PaperEngine) -> PaperSnapshot:
    """As it comes back from a store: the same values, nothing shared, in another order."""
    seen = engine.snapshot()
    return replace(seen, orders=tuple(replace(order) for order in reversed(seen.orders)))


@thorough
@given(sessions(), models)
def test_a_market_rebuilt_before_every_call_answers_as_the_old_one(
    session: tuple[Action, ...], model: SizeModel
) -> None:
    old: PaperMarket = market(model)
    terms = replace(market(model)._terms)
    rebuilt = market(model)
    for action in session:
        rebuilt = PaperEngine(terms, stored(rebuilt))
        assert perform(rebuilt, action) == perform(old, action)
        assert rebuilt.snapshot() == old.snapshot()


@thorough
@given(sessions(), models)
def test_a_market_rebuilt_without_prices_treats_the_next_price_as_the_old_one(
    session: tuple[Action, ...], model: SizeModel
) -> None:
    old = market(model)
    for action in session:
        if isinstance(action, PriceTick | PriceBar):
            rebuilt = PaperEngine(market(model)._terms, replace(stored(old), prices=()))
            assert perform(rebuilt, action).news == perform(old, action).news
        else:
            perform(old, action)


@thorough
@given(sessions(), models)
def test_the_same_events_give_the_same_answers(
    session: tuple[Action, ...], model: SizeModel
) -> None:
    def answers() -> list[MarketAnswer]:
        engine = market(model)
        return [perform(engine, action) for action in session]

    assert answers() == answers()


@thorough
@given(sessions(bars=False))
def test_prices_of_another_symbol_change_no_order(session: tuple[Action, ...]) -> None:
    """Dropping every price of one symbol leaves what is told of the other untouched."""

    def of_first(actions: list[Action]) -> list[object]:
        engine = market()
        news = [item for action in actions for item in perform(engine, action).news]
        mine = {a.ticket.order_id: a.ticket.instrument for a in session if isinstance(a, Submit)}
        return [
            item for item in news
            if (isinstance(item, Execution) and item.instrument == SYMBOLS[0])
            or (isinstance(item, OrderReport) and mine.get(item.order_id) == SYMBOLS[0])
        ]  # fmt: skip

    kept = [
        a for i, a in enumerate(session)
        if i < len(SYMBOLS) or not (isinstance(a, PriceTick) and a.instrument != SYMBOLS[0])
    ]  # fmt: skip
    assert of_first(list(session)) == of_first(kept)


def test_the_sessions_reach_every_kind_of_execution_and_end() -> None:
    """The properties above would hold of markets that do nothing; these sessions do everything."""
    seen: set[str] = set()

    def has_seen_all(session: tuple[Action, ...]) -> bool:
        engine = market(SizeModel.BOOK)
        for action in session:
            answer = perform(engine, action)
            seen.update(fill.reason for fill in answer.executions)
            seen.update(report.kind for report in answer.reports)
        return seen >= {*ExecutionReason, *ReportKind}

    searching = settings(
        max_examples=1000, phases=[Phase.generate], database=None, derandomize=True, deadline=None
    )
    assert find(sessions(), has_seen_all, settings=searching)

"""A paper session replayed from its record gives the identical list of orders and executions, and
the book that applies the executions ends where the market does.
"""

from collections import defaultdict
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from itertools import count
from typing import Any

from hypothesis import given, settings

from domain.market.price_event import PriceTick
from domain.portfolio.cost_basis import CostBasis
from domain.portfolio.execution import Execution
from domain.portfolio.fill import Fill
from domain.portfolio.ledger import Balances, Bucket
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.margin_fill import MarginBooking, apply_margin_fill
from domain.portfolio.order import Order, OrderTerms, OrderType
from domain.portfolio.position import Position, PositionStatus
from domain.shared.side import Side
from tests.support.paper import D, PaperScene
from tests.support.paper_session import SYMBOLS, WALLET, Action, Submit, market, perform, sessions
from tests.unit.test_margin_fill import EMPTY


def test_recorded_price_events_give_the_same_list_again() -> None:
    """The record is text: what is replayed shares nothing with what was seen first."""
    live, record = PaperScene("1000"), list[str]()
    heard: list[object] = []

    def price(bid: str, ask: str, mark: str) -> None:
        at = live.now
        heard.extend(live.tick(bid=bid, ask=ask, mark=mark).news)
        assert live.now > at
        record.append(_written(live.now, bid, ask, mark))

    price("100", "101", "100.5")
    orders = [
        (1, live.ticket(Side.BUY, "2")),
        (1, live.ticket(Side.SELL, "2", OrderType.TRAILING_STOP, trail="0.03", reduce_only=True)),
        (2, live.ticket(Side.BUY, "1", OrderType.LIMIT, limit="99.5")),
        (3, live.ticket(Side.SELL, "1", OrderType.STOP_MARKET, stop="97.3")),
    ]
    path = ["104", "108.2", "103.7", "99.1", "97.2", "101"]
    for step, mid in enumerate(path, start=1):
        for _, order in (o for o in orders if o[0] == step):
            heard.extend(live.submit(order).news)
        price(mid, str(D(mid) + 1), mid)
    assert sum(isinstance(item, Execution) for item in heard) == 4

    again, replayed = PaperScene("1000"), list[object]()
    for step, line in enumerate(record):
        for _, order in (o for o in orders if o[0] == step):
            again.now = _read(record[step - 1]).at
            replayed.extend(again.submit(order).news)
        replayed.extend(again.engine.on_tick(_read(line)).news)
    assert _hash(replayed) == _hash(heard)


def _written(at: datetime, bid: str, ask: str, mark: str) -> str:
    return "|".join((at.isoformat(), bid, ask, mark))


def _read(line: str) -> PriceTick:
    at, bid, ask, mark = line.split("|")
    tick = PriceTick(PaperScene().instrument, datetime.fromisoformat(at), "hand", D(bid), D(ask))
    return replace(tick, mark=D(mark))


def _hash(news: list[Any]) -> str:
    return sha256(repr([asdict(item) for item in news]).encode()).hexdigest()


class Book:
    """Applies executions as the book of record does, one position per symbol at a time."""

    def __init__(self) -> None:
        self.positions: dict[str, Position] = {}
        self.balances = Balances({EMPTY.cash_key(Bucket.AVAILABLE): WALLET})
        self._history: dict[str, list[Any]] = defaultdict(list)
        self._leverage: dict[str, int] = {}
        self._ids = count(1)

    def apply(self, execution: Execution, order_leverage: int) -> None:
        position = self.positions.get(execution.instrument)
        if position is None or position.status is PositionStatus.CLOSED:
            position = replace(
                EMPTY, id=f"pos_{next(self._ids)}", instrument=execution.instrument,
                basis=CostBasis(),
            )  # fmt: skip
        order = Order(
            "ord", "blo", "usr_1", "acc_1", position.id, position.instrument, "paper",
            OrderTerms(execution.side, execution.qty), OrderStatus.WORKING, execution.executed_at,
            execution.executed_at,
        )  # fmt: skip
        number = next(self._ids)
        fill = Fill(
            f"fil_{number:06}", "ord", position.id, "acc_1", "usr_1", "paper", execution.side,
            execution.qty, execution.price, execution.fee, "USDT", execution.executed_at,
            execution.executed_at, external_id=f"{number:06}",
        )  # fmt: skip
        history = self._history[position.id]
        leverage = self._leverage[position.id] if position.qty else order_leverage
        booking = MarginBooking(
            self.balances, leverage, lambda: history, lambda: f"trf_{next(self._ids)}",
            order_leverage,
        )  # fmt: skip
        after = apply_margin_fill(position, order, fill, booking).position
        self.positions[execution.instrument] = after
        self._leverage[position.id] = leverage if position.qty * after.qty > 0 else order_leverage
        history.append(fill.entry())

    @property
    def margin(self) -> Decimal:
        return self.balances.amount(EMPTY.cash_key(Bucket.MARGIN))

    @property
    def wallet(self) -> Decimal:
        return self.balances.amount(EMPTY.cash_key(Bucket.AVAILABLE)) + self.margin


@settings(max_examples=60, deadline=None)
@given(sessions())
def test_the_book_ends_where_the_market_does(session: tuple[Action, ...]) -> None:
    engine, book = market(), Book()
    leverage: dict[str | None, int] = {None: 1}
    for action in session:
        if isinstance(action, Submit):
            leverage |= {t.order_id: t.leverage for t in (action.ticket, *action.children)}
        answer = perform(engine, action)
        for execution in answer.executions:
            book.apply(execution, leverage[execution.order_id])
        assert book.wallet == answer.equity.wallet
        assert book.margin == answer.equity.used_margin
        for symbol in SYMBOLS:
            held, kept = engine.position(symbol), book.positions.get(symbol)
            basis = CostBasis() if held is None else held.basis
            booked = CostBasis() if kept is None else kept.basis
            assert (booked.qty, booked.cost) == (basis.qty, basis.cost)

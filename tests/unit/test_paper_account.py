"""What the paper market says of the account: margin of orders, funding, cash, unknown prices."""

from decimal import Decimal

from application.ports.paper_market import PaperPosition, PaperSnapshot
from domain.portfolio.cost_basis import CostBasis
from domain.portfolio.order import OrderType
from infrastructure.exchanges.paper.engine import PaperEngine
from tests.support.paper import BTC, PaperScene

D = Decimal


def test_open_orders_hold_margin_until_they_end() -> None:
    scene = PaperScene(costs=False)
    scene.at("100")
    answer = scene.buy("2", OrderType.LIMIT, limit="90", leverage=10)
    assert (answer.equity.order_margin, answer.equity.available) == (18, 9982)
    answer = scene.at("89")
    assert (answer.equity.order_margin, answer.equity.used_margin) == (0, 18)
    assert answer.equity.available == 10000 - 2 - 18


def test_an_order_that_closes_holds_nothing() -> None:
    scene = PaperScene(costs=False)
    scene.at("100")
    scene.buy("2")
    assert scene.sell("2", OrderType.LIMIT, limit="110").equity.order_margin == 0
    assert scene.sell("3", OrderType.LIMIT, limit="110").equity.order_margin == 330


def test_a_second_order_with_other_leverage_joins_the_position_as_it_is() -> None:
    scene = PaperScene(costs=False)
    scene.at("100")
    scene.buy("1", leverage=10)
    assert scene.buy("1", leverage=2).equity.used_margin == 20
    assert scene.sell("3", leverage=2).equity.used_margin == 50


def test_funding_is_paid_by_the_long_and_received_by_the_short() -> None:
    scene = PaperScene(costs=False)
    scene.at("100")
    assert scene.engine.fund(BTC, D("0.01"), scene.now) is None
    scene.buy("2")
    paid = scene.engine.fund(BTC, D("0.01"), scene.now)
    assert paid is not None
    assert (paid.amount, paid.qty, paid.mark) == (2, 2, 100)
    assert scene.engine.equity(scene.now).wallet == 9998
    scene.sell("4")
    received = scene.engine.fund(BTC, D("0.01"), scene.now)
    assert received is not None
    assert received.amount == -2
    assert scene.engine.equity(scene.now).equity == 10000


def test_deposits_and_withdrawals_move_the_wallet() -> None:
    scene = PaperScene()
    scene.engine.move_cash(D(500))
    scene.engine.move_cash(D(-200))
    assert scene.engine.equity(scene.now).equity == 10300


def test_equity_is_unknown_while_a_held_symbol_has_no_price() -> None:
    held = PaperPosition(BTC, CostBasis(D(1), D(100)), D("0.01"))
    scene = PaperScene(costs=False)
    scene.engine = PaperEngine(scene.terms, PaperSnapshot(D(10000), positions=(held,)))
    point = scene.engine.equity(scene.now)
    assert (point.equity, point.available, point.unrealized_pnl) == (None, None, None)
    assert (point.unpriced, point.wallet, point.used_margin) == ((BTC,), 10000, 100)
    assert scene.at("130").equity.equity == 10030


def test_a_book_alone_is_valued_in_its_middle_and_triggers_there() -> None:
    scene = PaperScene(costs=False)
    scene.at("100")
    scene.buy("1")
    scene.sell("1", OrderType.STOP_MARKET, stop="95", reduce_only=True)
    assert scene.tick(bid="95", ask="97").equity.unrealized_pnl == -4
    assert [fill.price for fill in scene.tick(bid="94", ask="96").executions] == [94]


def test_a_symbol_nobody_asked_about_has_no_orders_and_no_position() -> None:
    engine = PaperScene().engine
    assert engine.open_orders("NOPE") == ()
    assert engine.position("NOPE") is None

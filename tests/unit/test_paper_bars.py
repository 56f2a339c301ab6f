"""How the paper market treats orders on bars: the open first, then inside, stops before targets."""

from datetime import timedelta
from decimal import Decimal

import pytest

from application.ports.paper_market import MarketAnswer
from domain.market.price_event import PriceBar
from domain.portfolio.execution import ExecutionReason
from domain.portfolio.fill import Liquidity
from domain.portfolio.order import OrderType, TimeInForce
from domain.portfolio.ticket import OrderTicket
from domain.shared.errors import Defect
from domain.shared.side import Side
from tests.support.paper import BTC, START, PaperScene

D = Decimal


@pytest.fixture
def scene() -> PaperScene:
    made = PaperScene(costs=False)
    made.bar("100", "100", "100", "100")
    return made


def prices(answer: MarketAnswer) -> list[tuple[str | None, Decimal]]:
    return [(fill.order_id, fill.price) for fill in answer.executions]


def bracket(
    scene: PaperScene,
    entry: OrderTicket,
    *,
    stop: str = "95",
    target: str = "110",
    trail: str | None = None,
) -> tuple[OrderTicket, OrderTicket]:
    side = Side.SELL if entry.side is Side.BUY else Side.BUY
    of_entry = {"reduce_only": True, "group": "oco", "parent": entry.order_id}
    qty = str(entry.qty)
    kind = OrderType.STOP_MARKET if trail is None else OrderType.TRAILING_STOP
    return (
        scene.ticket(side, qty, kind, stop=stop, trail=trail, **of_entry),  # type: ignore[arg-type]
        scene.ticket(side, qty, OrderType.LIMIT, limit=target, **of_entry),  # type: ignore[arg-type]
    )


def test_a_market_order_waits_for_the_next_open(scene: PaperScene) -> None:
    assert scene.buy("1").executions == ()
    opens_at = scene.now
    (fill,) = scene.bar("101", "105", "99", "104").executions
    assert (fill.price, fill.executed_at) == (101, opens_at)


def test_an_order_placed_while_a_bar_ran_is_not_held_against_it(scene: PaperScene) -> None:
    opened = scene.now
    scene.now += timedelta(seconds=10)
    scene.buy("1", OrderType.LIMIT, limit="95")
    scene.now = opened
    assert scene.bar("100", "100", "90", "100").executions == ()
    assert prices(scene.bar("100", "100", "90", "100")) == [("ord_1", D(95))]


def test_a_limit_the_open_settles_takes_and_one_the_bar_reaches_makes(scene: PaperScene) -> None:
    scene.buy("1", OrderType.LIMIT, limit="99")
    scene.buy("1", OrderType.LIMIT, limit="95")
    opens_at = scene.now
    first, second = scene.bar("98", "100", "94", "97").executions
    assert (first.price, first.liquidity, first.executed_at) == (98, Liquidity.TAKER, opens_at)
    assert (second.price, second.liquidity, second.executed_at) == (95, Liquidity.MAKER, scene.now)


def test_a_gap_over_the_stop_executes_at_the_open() -> None:
    scene = PaperScene()
    scene.bar("100", "100", "100", "100")
    scene.buy("1")
    scene.bar("100", "100", "100", "100")
    scene.sell("1", OrderType.STOP_MARKET, stop="95", reduce_only=True)
    (fill,) = scene.bar("90", "92", "88", "91").executions
    assert (fill.price, fill.slippage, fill.trigger_price) == (D("89.99"), D("0.01"), 95)


@pytest.mark.parametrize(("close", "filled"), [("94.5", [D(95)]), ("93.9", [])])
def test_a_stop_limit_fills_in_its_bar_only_if_the_close_allows_it(
    scene: PaperScene, close: str, filled: list[Decimal]
) -> None:
    scene.sell("1", OrderType.STOP_LIMIT, stop="95", limit="94")
    answer = scene.bar("100", "101", "93", close)
    assert [price for _, price in prices(answer)] == filled
    again = scene.bar("93.5", "94.2", "93", "94")
    assert [price for _, price in prices(again)] == ([] if filled else [D(94)])


def test_a_trailing_stop_uses_the_stop_of_before_the_bars_extreme(scene: PaperScene) -> None:
    scene.buy("1")
    scene.bar("100", "100", "100", "100")
    scene.sell("1", OrderType.TRAILING_STOP, trail="0.05", reduce_only=True)
    assert scene.bar("100", "120", "96", "118").executions == ()
    assert scene.engine.open_orders()[0].stop_price == 114
    (fill,) = scene.bar("118", "130", "113", "128").executions
    assert (fill.price, fill.reason) == (114, ExecutionReason.TRAILING_STOP)


def test_both_levels_beyond_the_open_the_open_decides(scene: PaperScene) -> None:
    entry = scene.ticket(Side.BUY, "1")
    children = bracket(scene, entry)
    scene.submit(entry, children)
    scene.bar("100", "100", "100", "100")
    assert prices(scene.bar("111", "112", "90", "100")) == [(children[1].order_id, D(111))]


def test_an_entry_at_the_open_is_protected_for_the_whole_bar(scene: PaperScene) -> None:
    entry = scene.ticket(Side.BUY, "1")
    children = bracket(scene, entry)
    scene.submit(entry, children)
    answer = scene.bar("100", "112", "99", "111")
    assert prices(answer) == [(entry.order_id, D(100)), (children[1].order_id, D(110))]


def test_an_entry_beyond_its_own_stop_is_closed_at_once(scene: PaperScene) -> None:
    entry = scene.ticket(Side.BUY, "1")
    children = bracket(scene, entry)
    scene.submit(entry, children)
    answer = scene.bar("94", "112", "93", "111")
    assert prices(answer) == [(entry.order_id, D(94)), (children[0].order_id, D(94))]


def test_after_an_entry_inside_the_bar_the_stop_may_fill_and_the_target_may_not(
    scene: PaperScene,
) -> None:
    entry = scene.ticket(Side.BUY, "1", OrderType.LIMIT, limit="98")
    children = bracket(scene, entry)
    scene.submit(entry, children)
    answer = scene.bar("100", "112", "97", "111")
    assert prices(answer) == [(entry.order_id, D(98))]
    answer = scene.bar("109", "111", "108", "109")
    assert prices(answer) == [(children[1].order_id, D(110))]


def test_after_an_entry_inside_the_bar_the_stop_fills_at_its_price_not_at_the_open(
    scene: PaperScene,
) -> None:
    entry = scene.ticket(Side.BUY, "1", OrderType.STOP_MARKET, stop="105")
    children = bracket(scene, entry, stop="101", target="120")
    scene.submit(entry, children)
    answer = scene.bar("100", "106", "99", "100")
    assert prices(answer) == [(entry.order_id, D(105)), (children[0].order_id, D(101))]


def test_a_trailing_child_starts_at_the_entry_not_at_the_submission(scene: PaperScene) -> None:
    entry = scene.ticket(Side.BUY, "1", OrderType.LIMIT, limit="90")
    children = bracket(scene, entry, stop="80", target="200", trail="0.05")
    scene.submit(entry, children)
    scene.bar("100", "100", "89", "90")
    stop = next(o for o in scene.engine.open_orders() if o.ticket == children[0])
    assert stop.stop_price == D("85.5")


def test_liquidation_comes_before_a_stop_that_lies_behind_it(scene: PaperScene) -> None:
    scene.buy("1", leverage=10)
    scene.bar("100", "100", "100", "100")
    scene.sell("1", OrderType.STOP_MARKET, stop="85", reduce_only=True)
    answer = scene.bar("100", "100", "80", "82")
    (fill,) = answer.executions
    assert (fill.reason, fill.price) == (ExecutionReason.LIQUIDATION, D("90.45"))
    assert [r.reason for r in answer.reports] == ["reduce_only"]


def test_a_stop_before_the_liquidation_level_saves_the_position(scene: PaperScene) -> None:
    scene.buy("1", leverage=10)
    scene.bar("100", "100", "100", "100")
    scene.sell("1", OrderType.STOP_MARKET, stop="95", reduce_only=True)
    (fill,) = scene.bar("100", "100", "80", "82").executions
    assert (fill.reason, fill.price) == (ExecutionReason.STOP, 95)


def test_an_open_beyond_the_level_liquidates_at_the_open(scene: PaperScene) -> None:
    scene.sell("1", leverage=10)
    scene.bar("100", "100", "100", "100")
    (fill,) = scene.bar("120", "125", "119", "121").executions
    assert (fill.side, fill.price, fill.reason) == (Side.BUY, 120, ExecutionReason.LIQUIDATION)


def test_an_immediate_limit_has_one_bar(scene: PaperScene) -> None:
    scene.buy("1", OrderType.LIMIT, limit="95", tif=TimeInForce.IOC)
    answer = scene.bar("100", "100", "96", "97")
    assert [(r.kind, r.reason) for r in answer.reports] == [("cancelled", "ioc_not_filled")]


def test_a_day_order_lives_to_the_close_of_its_session(scene: PaperScene) -> None:
    ends = scene.now + timedelta(minutes=1)
    scene.buy("1", OrderType.LIMIT, limit="95", tif=TimeInForce.DAY, expires_at=ends)
    assert prices(scene.bar("100", "100", "95", "97")) == [("ord_1", D(95))]
    ends = scene.now + timedelta(minutes=1)
    scene.buy("1", OrderType.LIMIT, limit="90", tif=TimeInForce.DAY, expires_at=ends)
    assert [r.reason for r in scene.bar("97", "97", "96", "97").reports] == ["day_ended"]


def test_a_bar_is_taken_once(scene: PaperScene) -> None:
    scene.buy("1", OrderType.LIMIT, limit="95")
    old = PriceBar(BTC, START, scene.now, "hand", D(100), D(100), D(90), D(100))
    assert scene.engine.on_bar(old).news == ()


@pytest.mark.parametrize(
    "shape", [("100", "99", "98", "99"), ("100", "101", "100.5", "101"), ("100", "101", "0", "100")]
)
def test_a_bar_that_cannot_be_is_a_defect(scene: PaperScene, shape: tuple[str, ...]) -> None:
    with pytest.raises(Defect) as refused:
        scene.bar(*shape)
    assert refused.value.code == "impossible_bar"

"""How the paper market treats each type and lifetime of an order on quotes."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from application.ports.paper_market import MarketAnswer, SizeModel
from domain.market.price_event import PriceTick
from domain.portfolio.execution import ExecutionReason
from domain.portfolio.fill import Liquidity
from domain.portfolio.order import OrderType, TimeInForce
from domain.shared.errors import Invalid
from domain.shared.side import Side
from tests.support.paper import BTC, PaperScene, after, levels

D = Decimal


@pytest.fixture
def scene() -> PaperScene:
    made = PaperScene(costs=False)
    made.at("100")
    return made


def told(answer: MarketAnswer) -> list[tuple[str, str | None]]:
    return [(r.kind.value, r.reason and r.reason.value) for r in answer.reports]


def prices(answer: MarketAnswer) -> list[tuple[Decimal, Decimal]]:
    return [(fill.qty, fill.price) for fill in answer.executions]


def test_a_price_older_than_fifteen_seconds_is_refused_a_younger_one_is_not(
    scene: PaperScene,
) -> None:
    scene.now += timedelta(seconds=15)
    assert scene.buy("1").executions
    scene.now += timedelta(microseconds=1)
    assert told(scene.buy("1")) == [("rejected", "price_stale")]


def test_without_a_book_the_last_price_and_half_the_spread_count() -> None:
    scene = PaperScene()
    scene.tick(last="100")
    assert scene.buy("1", tick="0.0001").executions[0].price == D("100.0201")
    assert scene.sell("1", tick="0.0001").executions[0].price == D("99.98")


def test_a_side_nobody_quotes_has_no_price_even_when_the_other_side_has() -> None:
    scene = PaperScene()
    scene.tick(bid="100", last="100", mark="100")
    assert told(scene.buy("1")) == [("rejected", "no_price")]
    assert scene.sell("1").executions


def test_a_mark_alone_executes_nothing(scene: PaperScene) -> None:
    scene.tick(mark="100")
    assert told(scene.buy("1")) == [("rejected", "no_price")]


def test_a_stop_triggered_by_a_mark_alone_waits_for_a_price_to_execute_at(
    scene: PaperScene,
) -> None:
    scene.buy("1")
    scene.sell("1", OrderType.STOP_MARKET, stop="95", reduce_only=True)
    answer = scene.tick(mark="94")
    assert (told(answer), prices(answer)) == ([("triggered", None)], [])
    assert prices(scene.tick(bid="96", ask="97", mark="96.5")) == [(1, 96)]


@pytest.mark.parametrize(
    ("side", "limit", "quote", "price"),
    [(Side.BUY, "101", ("99", "100"), "100"), (Side.SELL, "98", ("99", "100"), "99")],
)
def test_a_marketable_limit_takes_the_touch(
    scene: PaperScene, side: Side, limit: str, quote: tuple[str, str], price: str
) -> None:
    scene.tick(bid=quote[0], ask=quote[1])
    (fill,) = scene.submit(scene.ticket(side, "1", OrderType.LIMIT, limit=limit)).executions
    assert (fill.price, fill.liquidity, fill.slippage) == (D(price), Liquidity.TAKER, 0)


@pytest.mark.parametrize(
    ("side", "limit", "reaching"), [(Side.BUY, "95", "94"), (Side.SELL, "105", "106")]
)
def test_a_resting_limit_executes_at_its_own_price_as_maker(
    scene: PaperScene, side: Side, limit: str, reaching: str
) -> None:
    scene.submit(scene.ticket(side, "1", OrderType.LIMIT, limit=limit))
    (fill,) = scene.at(reaching).executions
    assert (fill.price, fill.liquidity, fill.reason) == (
        D(limit), Liquidity.MAKER, ExecutionReason.LIMIT,
    )  # fmt: skip


def test_the_touch_itself_reaches_a_limit_and_a_hair_less_does_not(scene: PaperScene) -> None:
    scene.buy("1", OrderType.LIMIT, limit="95")
    assert scene.at("95.01").executions == ()
    assert prices(scene.at("95")) == [(1, 95)]


def test_costs_that_cannot_be_are_rejected(scene: PaperScene) -> None:
    for wrong in ({"slippage": D(1)}, {"taker_rate": D("-0.1")}, {"leverage": 0}):
        ticket = replace(scene.ticket(Side.SELL, "1"), **wrong)  # type: ignore[arg-type]
        assert told(scene.submit(ticket)) == [("rejected", "invalid_order")]


def test_makers_and_takers_pay_their_own_rates() -> None:
    scene = PaperScene(costs=False)
    scene.at("100")
    rates = {"maker_rate": D("0.0002"), "taker_rate": D("0.0005")}
    taker = replace(scene.ticket(Side.BUY, "1"), **rates)  # type: ignore[arg-type]
    maker = replace(scene.ticket(Side.BUY, "1", OrderType.LIMIT, limit="90"), **rates)  # type: ignore[arg-type]
    assert scene.submit(taker).executions[0].fee == D("0.05")
    scene.submit(maker)
    assert scene.at("90").executions[0].fee == D("0.018")


@pytest.mark.parametrize(
    ("side", "stop", "not_yet", "reached"),
    [(Side.SELL, "95", "95.01", "95"), (Side.BUY, "105", "104.99", "105")],
)
def test_a_stop_triggers_at_its_price_and_executes_at_the_market(
    scene: PaperScene, side: Side, stop: str, not_yet: str, reached: str
) -> None:
    scene.submit(scene.ticket(side, "1", OrderType.STOP_MARKET, stop=stop))
    assert scene.at(not_yet).news == ()
    answer = scene.tick(bid="94", ask="106", mark=reached)
    assert told(answer) == [("triggered", None)]
    assert prices(answer) == [(1, D(94) if side is Side.SELL else D(106))]


def test_the_mark_triggers_stops_and_the_last_price_only_without_a_mark(scene: PaperScene) -> None:
    scene.sell("1", OrderType.STOP_MARKET, stop="95")
    assert scene.tick(bid="94", ask="94", last="94", mark="96").news == ()
    assert scene.tick(bid="94", ask="94", last="94").executions


def test_a_stop_limit_rests_at_its_limit_after_the_trigger(scene: PaperScene) -> None:
    scene.sell("1", OrderType.STOP_LIMIT, stop="95", limit="94.5")
    assert told(scene.at("94")) == [("triggered", None)]
    assert scene.at("94.4").executions == ()
    (fill,) = scene.at("94.6").executions
    assert (fill.price, fill.liquidity) == (D("94.5"), Liquidity.MAKER)


def test_a_buying_trail_follows_the_mark_down() -> None:
    scene = PaperScene(costs=False)
    scene.at("100")
    scene.buy("1", OrderType.TRAILING_STOP, trail="0.05")
    levels_seen = []
    for mark in ("90", "92"):
        scene.at(mark)
        levels_seen.append(scene.engine.open_orders()[0].stop_price)
    assert levels_seen == [D("94.5"), D("94.5")]
    assert prices(scene.at("94.5")) == [(1, D("94.5"))]


def test_the_new_extreme_moves_the_level_only_after_stops_were_tested(scene: PaperScene) -> None:
    scene.sell("1", OrderType.TRAILING_STOP, trail="0.5")
    answer = scene.tick(bid="200", ask="200", mark="200")
    assert told(answer) == [("level_moved", None)]
    assert answer.executions == ()


@pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_immediate_order_that_finds_nothing_does_not_rest(
    scene: PaperScene, tif: TimeInForce
) -> None:
    answer = scene.buy("1", OrderType.LIMIT, limit="99", tif=tif)
    assert told(answer) == [("accepted", None), ("cancelled", f"{tif.value}_not_filled")]
    assert scene.engine.open_orders() == ()


def booked(size_model: SizeModel = SizeModel.BOOK) -> PaperScene:
    made = PaperScene(costs=False, size_model=size_model)
    made.tick(
        bid="99", ask="100", mark="99.5",
        asks=levels(("100", "1"), ("101", "2"), ("102", "3")), bids=levels(("99", "1")),
    )  # fmt: skip
    return made


def test_the_book_is_walked_level_by_level_and_what_is_taken_is_gone() -> None:
    scene = booked()
    assert prices(scene.buy("2.5")) == [(1, 100), (D("1.5"), 101)]
    assert prices(scene.buy("1")) == [(D("0.5"), 101), (D("0.5"), 102)]


def test_by_default_the_whole_quantity_executes_at_the_touch() -> None:
    assert prices(booked(SizeModel.TOP).buy("50")) == [(50, 100)]


def test_an_ioc_takes_what_there_is_and_a_fok_all_or_nothing() -> None:
    scene = booked()
    terms = {"limit": "101", "kind": OrderType.LIMIT}
    nothing = scene.buy("4", tif=TimeInForce.FOK, **terms)  # type: ignore[arg-type]
    assert prices(nothing) == []
    assert told(nothing)[-1] == ("cancelled", "fok_not_filled")
    some = scene.buy("4", tif=TimeInForce.IOC, **terms)  # type: ignore[arg-type]
    assert prices(some) == [(1, 100), (2, 101)]
    assert told(some)[-1] == ("cancelled", "ioc_not_filled")


def test_what_the_book_could_not_fill_goes_on_with_the_next_quote() -> None:
    scene = booked()
    assert sum(qty for qty, _ in prices(scene.buy("10"))) == 6
    assert prices(scene.tick(bid="99", ask="103", asks=levels(("103", "9")))) == [(4, 103)]


def test_a_resting_limit_gets_no_more_than_is_offered_at_its_price_or_better() -> None:
    scene = booked()
    scene.buy("5", OrderType.LIMIT, limit="98")
    offered = levels(("97", "1"), ("98", "1.5"), ("98.5", "7"))
    assert prices(scene.tick(bid="96", ask="97", asks=offered)) == [(D("2.5"), 98)]
    assert scene.engine.open_orders()[0].open_qty == D("2.5")


@pytest.mark.parametrize(
    ("tif", "reason"),
    [(TimeInForce.DAY, "day_ended"), (TimeInForce.GTD, "good_till_passed")],
)
def test_an_order_ends_with_its_day_and_what_comes_later_does_not_fill_it(
    scene: PaperScene, tif: TimeInForce, reason: str
) -> None:
    end = scene.now + timedelta(seconds=2)
    scene.buy("1", OrderType.LIMIT, limit="90", tif=tif, expires_at=end)
    assert scene.tick(bid="95", ask="95").news == ()
    scene.now = end
    answer = scene.at("80")
    assert (told(answer), prices(answer)) == ([("expired", reason)], [])


def test_a_price_at_the_very_end_still_fills(scene: PaperScene) -> None:
    end = scene.now + timedelta(seconds=1)
    scene.buy("1", OrderType.LIMIT, limit="90", tif=TimeInForce.GTD, expires_at=end)
    assert prices(scene.at("90")) == [(1, 90)]


def test_orders_expire_without_a_price_as_well(scene: PaperScene) -> None:
    end = scene.now + timedelta(seconds=5)
    scene.buy("1", OrderType.LIMIT, limit="90", tif=TimeInForce.GTD, expires_at=end)
    assert scene.engine.expire_due(end - timedelta(microseconds=1)).news == ()
    assert told(scene.engine.expire_due(end)) == [("expired", "good_till_passed")]


def test_reduce_only_is_cut_to_the_position_and_what_is_cut_is_told(scene: PaperScene) -> None:
    scene.buy("1")
    answer = scene.sell("3", reduce_only=True)
    assert prices(answer) == [(1, 100)]
    assert told(answer) == [
        ("accepted", None), ("resized", "reduce_only"), ("cancelled", "reduce_only"),
    ]  # fmt: skip
    assert scene.engine.position(BTC) is None


def test_reduce_only_without_a_position_is_cancelled(scene: PaperScene) -> None:
    assert told(scene.sell("1", reduce_only=True)) == [
        ("accepted", None), ("cancelled", "reduce_only"),
    ]  # fmt: skip


def test_a_resting_reduce_only_order_shrinks_with_the_position(scene: PaperScene) -> None:
    scene.buy("3")
    scene.sell("3", OrderType.LIMIT, limit="120", reduce_only=True)
    assert told(scene.sell("1"))[-1] == ("resized", "reduce_only")
    assert scene.engine.open_orders()[0].open_qty == 2
    assert told(scene.sell("2"))[-1] == ("cancelled", "reduce_only")


def test_a_cancel_ends_an_order_once(scene: PaperScene) -> None:
    order = scene.ticket(Side.BUY, "1", OrderType.LIMIT, limit="90")
    scene.submit(order)
    assert told(scene.engine.cancel(order.order_id, scene.now)) == [("cancelled", "requested")]
    assert scene.engine.cancel(order.order_id, scene.now).news == ()
    assert scene.at("80").executions == ()


def test_a_stop_moves_toward_profit_only(scene: PaperScene) -> None:
    order = scene.ticket(Side.SELL, "1", OrderType.STOP_MARKET, stop="90")
    scene.submit(order)
    assert scene.engine.move_stop(order.order_id, D(89), scene.now).news == ()
    assert told(scene.engine.move_stop(order.order_id, D(95), scene.now)) == [
        ("level_moved", "requested")
    ]
    assert prices(scene.at("95")) == [(1, 95)]


def test_an_older_price_is_ignored(scene: PaperScene) -> None:
    scene.buy("1", OrderType.LIMIT, limit="90")
    late = PriceTick(BTC, after(-60), "hand", bid=D(80), ask=D(80))
    assert scene.engine.on_tick(late).news == ()
    assert scene.engine.open_orders()


def test_the_better_price_goes_first_and_at_one_price_the_older_order(scene: PaperScene) -> None:
    for limit in ("90", "92", "92", "91"):
        scene.buy("1", OrderType.LIMIT, limit=limit)
    filled = [fill.order_id for fill in scene.at("80").executions]
    assert filled == ["ord_2", "ord_3", "ord_4", "ord_1"]


@pytest.mark.parametrize(
    "terms",
    [
        {"qty": "0"},
        {"kind": OrderType.LIMIT},
        {"kind": OrderType.LIMIT, "limit": "-1"},
        {"kind": OrderType.STOP_MARKET},
        {"kind": OrderType.TRAILING_STOP},
        {"kind": OrderType.TRAILING_STOP, "trail": "1"},
        {"limit": "100"},
        {"tif": TimeInForce.GTD},
        {"tif": TimeInForce.GTD, "expires_at": after(-1)},
        {"parent": "ord_unknown", "reduce_only": True},
    ],
)
def test_terms_that_do_not_fit_are_rejected(scene: PaperScene, terms: dict[str, object]) -> None:
    ticket = scene.ticket(Side.BUY, **{"qty": "1", **terms})  # type: ignore[arg-type]
    assert told(scene.submit(ticket)) == [("rejected", "invalid_order")]
    assert scene.engine.open_orders() == ()


@pytest.mark.parametrize(
    "given",
    [
        {"bid": D(101), "ask": D(100)},
        {"last": D(0)},
        {"mark": D("NaN")},
        {"ask": D(100), "asks": levels(("101", "1"), ("100", "1"))},
        {"ask": D(100), "asks": levels(("99", "1"))},
    ],
)
def test_prices_that_cannot_be_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refused:
        PriceTick(BTC, after(0), "hand", **given)  # type: ignore[arg-type]
    assert refused.value.code == "inconsistent_price"

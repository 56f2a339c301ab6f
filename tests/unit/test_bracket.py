"""Brackets: what makes one, what it risks, and how its two children live on paper."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.paper_market import MarketAnswer, SizeModel
from domain.plans.bracket import (
    BracketEntry,
    BracketPlan,
    EntryType,
    after_entry_fill,
    after_sibling_fill,
    is_hold_over,
    require_bracket,
    reward_risk,
    within_position,
)
from domain.portfolio.bracket_tickets import bracket_children
from domain.portfolio.order import OrderType, TimeInForce
from domain.portfolio.ticket import OrderTicket
from domain.shared.errors import Defect, Invalid
from domain.shared.side import Side
from tests.support.paper import BTC, PaperScene, levels

D = Decimal
LONG = BracketPlan(
    Side.BUY, BracketEntry(), D(95), D(110), stop_order_id="ord_s", target_order_id="ord_t"
)


def faults(plan: BracketPlan, reference: str = "100") -> list[str]:
    with pytest.raises(Invalid) as refused:
        require_bracket(plan, D(reference))
    assert refused.value.code == "invalid_bracket"
    return [fault.pointer for fault in refused.value.errors]


@pytest.mark.parametrize(
    ("side", "stop", "target"),
    [(Side.BUY, "95", "110"), (Side.BUY, "95", None), (Side.SELL, "105", "90")],
)
def test_stop_entry_and_target_in_their_order_make_a_bracket(
    side: Side, stop: str, target: str | None
) -> None:
    plan = BracketPlan(side, BracketEntry(), D(stop), None if target is None else D(target))
    require_bracket(plan, D(100))


@pytest.mark.parametrize(
    ("side", "stop", "target", "pointer"),
    [(Side.BUY, "100", "110", "/stop"), (Side.BUY, "95", "100", "/take_profit"),
     (Side.SELL, "100", "90", "/stop"), (Side.SELL, "105", "100", "/take_profit"),
     (Side.BUY, "-5", None, "/stop"), (Side.BUY, "NaN", None, "/stop")],
)  # fmt: skip
def test_any_other_order_is_no_bracket(
    side: Side, stop: str, target: str | None, pointer: str
) -> None:
    plan = BracketPlan(side, BracketEntry(), D(stop), None if target is None else D(target))
    assert faults(plan) == [pointer]


def test_a_priced_entry_counts_at_its_price_not_at_the_market() -> None:
    entry = BracketEntry(EntryType.LIMIT, D(97))
    require_bracket(replace(LONG, entry=entry, stop=D(96)), D(90))
    assert faults(replace(LONG, entry=entry, stop=D(98)), "100") == ["/stop"]


def test_terms_that_cannot_be_are_all_named() -> None:
    plan = replace(
        LONG, entry=BracketEntry(EntryType.LIMIT), trailing_fraction=D(1), max_hold_bars=0
    )
    assert faults(plan) == ["/entry/price", "/trailing_fraction", "/max_hold_bars"]


def test_reward_over_risk() -> None:
    assert reward_risk(LONG, D(100)) == 2
    assert reward_risk(replace(LONG, take_profit=None), D(100)) is None
    short = BracketPlan(Side.SELL, BracketEntry(), D(105), D(85))
    assert reward_risk(short, D(100)) == 3


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9).map(Decimal)), max_size=12))
def test_each_child_may_execute_what_the_entry_filled_less_what_either_child_did(
    steps: list[tuple[bool, Decimal]],
) -> None:
    """The closed form `entry filled − exits filled`, reached one execution at a time."""
    entered = left = D(0)
    stop = target = D(0)
    for is_entry, qty in steps:
        if is_entry:
            stop, target = after_entry_fill(stop, qty), after_entry_fill(target, qty)
            entered += qty
        else:
            sold = min(qty, stop)
            stop, target = stop - sold, after_sibling_fill(target, sold)
            left += sold
        assert stop == target == entered - left >= 0


def test_a_child_is_never_larger_than_the_position() -> None:
    assert within_position(D(5), D(3)) == 3
    assert within_position(D(3), D(5)) == 3
    assert within_position(D(3), D(0)) == 0
    assert after_sibling_fill(D(1), D(2)) == 0


def test_the_trade_ends_when_its_bars_are_over() -> None:
    plan = replace(LONG, max_hold_bars=3)
    assert [is_hold_over(plan, bars) for bars in (2, 3, 4)] == [False, True, True]
    assert not is_hold_over(LONG, 10_000)


class Bracketed:
    """A long bracket of 10 with its children sent along."""

    def __init__(
        self,
        kind: OrderType = OrderType.MARKET,
        *,
        limit: str | None = None,
        plan: BracketPlan = LONG,
        size_model: SizeModel = SizeModel.TOP,
    ) -> None:
        self.scene = PaperScene(costs=False, size_model=size_model)
        self.scene.at("100")
        entry = self.scene.ticket(Side.BUY, "10", kind, limit=limit)
        self.entry: OrderTicket = entry
        self.children = bracket_children(plan, entry, ("blo_s", "blo_t"))
        self.answer: MarketAnswer = self.scene.submit(entry, self.children)

    @property
    def open_qty(self) -> dict[str, Decimal]:
        return {o.ticket.order_id: o.open_qty for o in self.scene.engine.open_orders()}


def test_children_are_reduce_only_and_of_one_group() -> None:
    stop, target = Bracketed().children
    assert (stop.type, stop.stop_price, target.type, target.limit_price) == (
        OrderType.STOP_MARKET, 95, OrderType.LIMIT, 110,
    )  # fmt: skip
    for child in (stop, target):
        assert child.reduce_only
        assert child.side is Side.SELL
        assert child.time_in_force is TimeInForce.GTC
    assert stop.group_id == target.group_id is not None


def test_a_bracket_without_names_for_its_children_is_a_defect() -> None:
    with pytest.raises(Defect):
        Bracketed(plan=replace(LONG, stop_order_id=None))


def test_a_plan_that_trails_has_a_trailing_child_no_looser_than_its_stop() -> None:
    made = Bracketed(plan=replace(LONG, trailing_fraction=D("0.2")))
    assert made.children[0].type is OrderType.TRAILING_STOP
    assert made.scene.engine.open_orders()[0].stop_price == 95
    made.scene.at("109")
    assert made.scene.engine.open_orders()[0].stop_price == 95
    tight = Bracketed(plan=replace(LONG, trailing_fraction=D("0.02")))
    assert tight.scene.engine.open_orders()[0].stop_price == 98


def test_children_sleep_until_the_entry_fills() -> None:
    made = Bracketed(OrderType.LIMIT, limit="98")
    assert made.open_qty == {made.entry.order_id: 10, "ord_s": 0, "ord_t": 0}
    assert made.scene.tick(bid="120", ask="120", mark="90").executions == ()
    made.scene.at("98")
    assert made.open_qty == {"ord_s": 10, "ord_t": 10}


def test_children_grow_with_the_entry_and_shrink_together() -> None:
    made = Bracketed(OrderType.LIMIT, limit="98", size_model=SizeModel.BOOK)
    made.scene.tick(bid="97", ask="98", mark="98", asks=levels(("98", "4")))
    assert made.open_qty == {made.entry.order_id: 6, "ord_s": 4, "ord_t": 4}
    made.scene.tick(bid="110", ask="111", mark="110", bids=levels(("110", "3")))
    assert made.open_qty == {made.entry.order_id: 6, "ord_s": 1, "ord_t": 1}
    made.scene.tick(bid="97", ask="98", mark="98", asks=levels(("98", "9")))
    assert made.open_qty == {"ord_s": 7, "ord_t": 7}


def test_a_child_filled_in_full_cancels_the_other() -> None:
    made = Bracketed()
    answer = made.scene.at("111")
    assert [(f.order_id, f.qty) for f in answer.executions] == [("ord_t", 10)]
    assert [(r.order_id, r.kind, r.reason) for r in answer.reports] == [
        ("ord_s", "cancelled", "oco")
    ]
    assert made.open_qty == {}


def test_closing_the_position_by_hand_cancels_both_children() -> None:
    made = Bracketed()
    answer = made.scene.sell("10")
    assert {(r.order_id, r.reason) for r in answer.reports if r.kind == "cancelled"} == {
        ("ord_s", "reduce_only"), ("ord_t", "reduce_only"),
    }  # fmt: skip
    assert made.open_qty == {}


def test_selling_a_part_by_hand_resizes_both() -> None:
    made = Bracketed()
    made.scene.sell("4")
    assert made.open_qty == {"ord_s": 6, "ord_t": 6}


def test_an_entry_that_never_filled_takes_its_children_along() -> None:
    made = Bracketed(OrderType.LIMIT, limit="90")
    answer = made.scene.engine.cancel(made.entry.order_id, made.scene.now)
    assert [(r.order_id, r.reason) for r in answer.reports] == [
        (made.entry.order_id, "requested"), ("ord_s", "parent_ended"), ("ord_t", "parent_ended"),
    ]  # fmt: skip
    assert made.open_qty == {}


def test_an_entry_filled_in_part_leaves_its_children_at_work() -> None:
    made = Bracketed(OrderType.LIMIT, limit="98", size_model=SizeModel.BOOK)
    made.scene.tick(bid="97", ask="98", mark="98", asks=levels(("98", "4")))
    made.scene.engine.cancel(made.entry.order_id, made.scene.now)
    assert made.open_qty == {"ord_s": 4, "ord_t": 4}
    answer = made.scene.at("94")
    assert [(f.order_id, f.qty) for f in answer.executions] == [("ord_s", 4)]
    assert made.scene.engine.position(BTC) is None
    assert made.open_qty == {}
    assert ("ord_s", "cancelled", "parent_ended") in [
        (r.order_id, r.kind, r.reason) for r in answer.reports
    ]


def test_a_refused_entry_refuses_its_children() -> None:
    scene = PaperScene()
    entry = scene.ticket(Side.BUY, "1")
    answer = scene.submit(entry, bracket_children(LONG, entry, ("blo_s", "blo_t")))
    assert [(r.order_id, r.kind, r.reason) for r in answer.reports] == [
        (entry.order_id, "rejected", "no_price"), ("ord_s", "rejected", "parent_ended"),
        ("ord_t", "rejected", "parent_ended"),
    ]  # fmt: skip


def test_children_that_could_increase_risk_are_refused_with_their_entry() -> None:
    scene = PaperScene()
    scene.at("100")
    entry = scene.ticket(Side.BUY, "1")
    for wrong in ({"side": Side.BUY}, {"reduce_only": False}, {"qty": D(2)}, {"instrument": "X"}):
        child = replace(bracket_children(LONG, entry, ("a", "b"))[0], **wrong)  # type: ignore[arg-type]
        assert scene.submit(entry, (child,)).reports[0].reason == "invalid_order"


def test_two_orders_somebody_grouped_cancel_each_other_without_any_entry() -> None:
    scene = PaperScene(costs=False, size_model=SizeModel.BOOK)
    scene.tick(bid="100", ask="100", mark="100")
    scene.buy("5")
    scene.sell("5", OrderType.LIMIT, limit="110", reduce_only=True, group="mine")
    scene.sell("5", OrderType.STOP_MARKET, stop="90", reduce_only=True, group="mine")
    scene.tick(bid="110", ask="111", mark="110", bids=levels(("110", "2")))
    assert [o.open_qty for o in scene.engine.open_orders()] == [3, 3]
    answer = scene.tick(bid="89", ask="90", mark="89")
    assert [(f.qty, f.price) for f in answer.executions] == [(3, 89)]
    assert scene.engine.open_orders() == ()

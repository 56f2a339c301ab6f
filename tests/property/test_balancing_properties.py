"""What holds for every cell, price and limit: nothing broken, monotone, repeatable, at rest."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.plans.balancing import decide
from domain.plans.balancing_plan import BalancingPlan, Band, BelowMinimum, OrderPolicy, Sizing
from domain.plans.band_rule import (
    after_trade,
    buy_to_fraction_qty,
    commission,
    is_allowed_by_band,
    sell_to_fraction_qty,
    stock_fraction_after,
)
from domain.plans.clipping import WishedTrade, clip
from domain.plans.plan import (
    DecisionAction,
    MarketView,
    PositionView,
    PriceView,
    ReasonCode,
    stock_fraction,
)
from domain.shared.side import Side

NOW = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
DUST = Decimal("1e-8")


def amounts(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places)


prices = amounts("0.0001", "100000", 4)
money = amounts("0", "1000000", 6)
quantities = amounts("0", "100000", 8)
fractions = amounts("0", "1", 4)
rates = st.sampled_from([Decimal(0), Decimal("0.0001"), Decimal("0.001"), Decimal("0.05")])
steps = st.sampled_from([Decimal("0.00000001"), Decimal("0.001"), Decimal(1), Decimal("0.3")])


@st.composite
def bands(draw: st.DrawFn) -> Band:
    low, high = draw(fractions), draw(fractions)
    assume(low != high)
    return Band(min(low, high), max(low, high))


@st.composite
def plans(draw: st.DrawFn) -> BalancingPlan:
    policy = OrderPolicy(
        min_qty=draw(st.sampled_from([Decimal(0), Decimal(2)])),
        min_notional=draw(st.sampled_from([Decimal(0), Decimal(100)])),
        qty_step=draw(st.sampled_from([Decimal(0), Decimal("0.01")])),
        action_below_min=draw(st.sampled_from(BelowMinimum)),
    )
    return BalancingPlan(
        up_threshold=draw(amounts("0.001", "0.5", 3)),
        down_threshold=draw(amounts("0.001", "0.5", 3)),
        sizing=draw(st.sampled_from(Sizing)),
        rebalance_ratio=draw(amounts("0.01", "1", 2)),
        band=draw(bands()),
        max_trade_fraction=draw(amounts("0.01", "1", 2)),
        order_policy=policy,
        commission_rate=draw(rates),
        auto_rebalance=draw(st.booleans()),
    )


@st.composite
def cells(draw: st.DrawFn) -> PositionView:
    qty, cash = draw(quantities), draw(money)
    return PositionView(
        position_id="pos_1",
        instrument="ZIM",
        qty=qty,
        cash=cash,
        receivable=draw(money),
        reserved_cash=draw(st.sampled_from([Decimal(0), cash])),
        reserved_qty=draw(st.sampled_from([Decimal(0), qty])),
        anchor_price=draw(prices),
        qty_step=draw(steps),
    )


def at(price: Decimal) -> MarketView:
    return MarketView(NOW, PriceView(price, "request"))


@st.composite
def triggered(draw: st.DrawFn) -> tuple[BalancingPlan, PositionView, Decimal]:
    """A plan, a cell and a price within half of its anchor, so that most examples decide."""
    plan, view = draw(plans()), draw(cells())
    anchor = view.anchor_price or Decimal(1)
    price = (anchor * draw(amounts("0.5", "1.5", 3))).quantize(Decimal("0.0001"))
    assume(price > 0)
    return plan, view, price


@st.composite
def crossing(draw: st.DrawFn) -> tuple[BalancingPlan, PositionView, Decimal]:
    """A funded cell whose price has crossed a threshold, so that almost every example trades."""
    plan = BalancingPlan(
        band=Band(draw(amounts("0", "0.3", 4)), draw(amounts("0.7", "1", 4))),
        max_trade_fraction=draw(amounts("0.05", "1", 2)),
        rebalance_ratio=draw(amounts("0.5", "5", 2)),
        commission_rate=draw(rates),
        auto_rebalance=draw(st.booleans()),
        order_policy=OrderPolicy(min_notional=Decimal(1)),
    )
    anchor, equity = draw(amounts("1", "500", 2)), draw(amounts("10000", "1000000", 2))
    move = draw(amounts("0.03", "0.5", 3)) * draw(st.sampled_from([1, -1]))
    price = anchor * (1 + move)
    share = draw(amounts("0.1", "0.9", 3))
    qty = (share * equity / price).quantize(DUST)
    cash = ((1 - share) * equity).quantize(Decimal("0.000001"))
    return plan, PositionView("pos_1", "ZIM", qty, cash, anchor_price=anchor), price


@given(scene=triggered(), wish=quantities, side=st.sampled_from(Side), is_rebalance=st.booleans())
def test_a_clipped_quantity_breaks_no_limit(
    scene: tuple[BalancingPlan, PositionView, Decimal],
    wish: Decimal,
    side: Side,
    is_rebalance: bool,
) -> None:
    plan, view, price = scene
    clipped = clip(WishedTrade(side, wish, price, is_rebalance), plan, view)
    qty = clipped.qty
    step = plan.order_policy.qty_step or view.qty_step
    assert qty >= 0
    assert qty % step == 0
    if qty == 0:
        assert clipped.is_below_minimum
        return
    if plan.order_policy.action_below_min is not BelowMinimum.CLIP:
        assert qty <= wish
    equity = view.equity_at(price)
    fee_exact = qty * price * plan.commission_rate
    if not is_rebalance:
        assert qty * price <= plan.max_trade_fraction * equity
    if side is Side.BUY:
        _, rest = after_trade(
            view.qty, view.cash, side, qty, price, commission(qty, price, plan.commission_rate)
        )
        assert rest >= view.reserved_cash
        assert (view.qty + qty) * price <= plan.band.max * (equity - fee_exact)
    else:
        assert qty <= view.free_qty
        assert (view.qty - qty) * price >= plan.band.min * (equity - fee_exact)


@given(scene=triggered(), wish=quantities, side=st.sampled_from(Side), looser=st.data())
def test_loosening_one_limit_never_shrinks_the_quantity(
    scene: tuple[BalancingPlan, PositionView, Decimal],
    wish: Decimal,
    side: Side,
    looser: st.DataObject,
) -> None:
    plan, view, price = scene
    trade = WishedTrade(side, wish, price)
    before = clip(trade, plan, view).qty
    band = plan.band
    wider = Band(
        looser.draw(amounts("0", str(band.min), 4)), looser.draw(amounts(str(band.max), "1", 4))
    )
    share = looser.draw(amounts(str(plan.max_trade_fraction), "1", 4))
    released_cash = looser.draw(amounts("0", str(view.reserved_cash), 6))
    released_qty = looser.draw(amounts("0", str(view.reserved_qty), 8))
    assert clip(trade, replace(plan, band=wider), view).qty >= before
    assert clip(trade, replace(plan, max_trade_fraction=share), view).qty >= before
    assert clip(trade, plan, replace(view, reserved_cash=released_cash)).qty >= before
    assert clip(trade, plan, replace(view, reserved_qty=released_qty)).qty >= before


@given(scene=crossing())
def test_after_a_full_fill_the_same_price_triggers_nothing(
    scene: tuple[BalancingPlan, PositionView, Decimal],
) -> None:
    plan, view, price = scene
    first = decide(plan, view, at(price))
    assume(first.action in (DecisionAction.BUY, DecisionAction.SELL))
    assert first.proposal is not None
    traded = first.proposal
    fee = commission(traded.qty, price, plan.commission_rate)
    qty, rest = after_trade(view.qty, view.cash, traded.side, traded.qty, price, fee)
    filled = replace(view, qty=qty, cash=rest, anchor_price=price)
    again = decide(plan, filled, at(price))
    assert again.trigger is None
    landed = filled.stock_fraction_at(price)
    if not plan.auto_rebalance or (landed is not None and plan.band.holds(landed)):
        assert again.action is DecisionAction.HOLD
        assert again.reason_code is ReasonCode.WITHIN_THRESHOLDS


@given(qty=quantities, cash=money, price=prices, band=bands(), rate=rates)
def test_a_rebalance_filled_in_full_is_at_rest(
    qty: Decimal, cash: Decimal, price: Decimal, band: Band, rate: Decimal
) -> None:
    policy = OrderPolicy(min_notional=Decimal(0))
    plan = BalancingPlan(band=band, commission_rate=rate, order_policy=policy)
    view = PositionView("pos_1", "ZIM", qty, cash, anchor_price=price)
    first = decide(plan, view, at(price))
    assume(first.action in (DecisionAction.BUY, DecisionAction.SELL))
    assert first.proposal is not None
    assert first.reason_code is ReasonCode.AUTO_GUARDRAIL_REBALANCE
    assume(not first.proposal.trimming)
    fee = commission(first.proposal.qty, price, rate)
    held, rest = after_trade(qty, cash, first.proposal.side, first.proposal.qty, price, fee)
    again = decide(plan, replace(view, qty=held, cash=rest), at(price))
    # One cash step of rounding may still be worth more than 0.001 of a very cheap share.
    assert again.proposal is None or again.proposal.raw_qty * price <= Decimal("0.00001")


@given(scene=triggered(), others=triggered())
def test_a_decision_depends_on_its_inputs_alone(
    scene: tuple[BalancingPlan, PositionView, Decimal],
    others: tuple[BalancingPlan, PositionView, Decimal],
) -> None:
    plan, view, price = scene
    first = decide(plan, view, at(price))
    decide(others[0], others[1], at(others[2]))
    twin = replace(view, position_id="pos_1", instrument="ZIM")
    assert decide(replace(plan), twin, at(price)) == first
    later = replace(at(price), now=datetime(2031, 7, 1, tzinfo=UTC))
    assert decide(plan, view, later) == first


@given(
    qty=quantities,
    cash=money,
    price=prices,
    bound=amounts("0.01", "0.99", 4),
    rate=rates,
)
def test_the_band_formulas_land_on_the_bound_with_commission_paid(
    qty: Decimal, cash: Decimal, price: Decimal, bound: Decimal, rate: Decimal
) -> None:
    equity = qty * price + cash
    assume(equity > 1)
    buy = buy_to_fraction_qty(equity, qty, price, bound, rate)
    sell = sell_to_fraction_qty(equity, qty, price, bound, rate)
    assert (buy > 0) == (sell < 0)
    traded, sign = (buy, 1) if buy > 0 else (sell, -1)
    notional = traded * price
    landed = stock_fraction(qty + sign * traded, cash - sign * notional - notional * rate, price)
    assert landed is not None
    assert abs(landed - bound) < Decimal("1e-30")


@given(scene=crossing())
def test_a_proposal_of_the_plan_is_a_fill_the_band_rule_allows(
    scene: tuple[BalancingPlan, PositionView, Decimal],
) -> None:
    plan, view, price = scene
    decision = decide(plan, view, at(price))
    assume(decision.proposal is not None and decision.proposal.is_valid)
    assert decision.proposal is not None
    traded = decision.proposal
    fee = commission(traded.qty, price, plan.commission_rate)
    after = stock_fraction_after(view.qty, view.effective_cash, traded.side, traded.qty, price, fee)
    assert is_allowed_by_band(plan.band, decision.stock_fraction, after)

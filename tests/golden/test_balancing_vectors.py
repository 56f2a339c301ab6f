"""Published balancing cases to the last digit: triggers, sizes, clipping, bounds, evaluation."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain.plans.balancing import BalancingDecision, decide
from domain.plans.balancing_plan import BalancingPlan, Band
from domain.plans.band_rule import (
    after_trade,
    buy_to_fraction_qty,
    commission,
    is_allowed_by_band,
    sell_to_fraction_qty,
    stock_fraction_after,
)
from domain.plans.clipping import WishedTrade, clip
from domain.plans.evaluation import evaluate
from domain.plans.evaluation_row import Evaluation, EvaluationIdentity, EvaluationMode, to_row
from domain.plans.plan import (
    ClipStep,
    DecisionAction,
    MarketView,
    PositionView,
    PriceView,
    ReasonCode,
    stock_fraction,
)
from domain.shared.decimals import quantity_to_step
from domain.shared.side import Side

NOW = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
RATE = Decimal("0.0001")


def cell(qty: str, money: str, anchor: str | None) -> PositionView:
    return PositionView(
        position_id="pos_1",
        instrument="ZIM",
        qty=Decimal(qty),
        cash=Decimal(money),
        anchor_price=None if anchor is None else Decimal(anchor),
    )


def at(price: str) -> MarketView:
    return MarketView(now=NOW, price=PriceView(Decimal(price), source="request"))


def decided(view: PositionView, price: str, plan: BalancingPlan | None = None) -> BalancingDecision:
    return decide(plan or BalancingPlan(), view, at(price))


def evaluated(view: PositionView, price: str) -> Evaluation:
    identity = EvaluationIdentity("eval_1", "trace_1", EvaluationMode.MANUAL)
    return evaluate(BalancingPlan(), view, at(price), identity)


@pytest.mark.parametrize("down", ["0.03", "-0.03"])
@pytest.mark.parametrize(
    ("price", "action"), [("97", "BUY"), ("97.01", "HOLD"), ("102.99", "HOLD"), ("103", "SELL")]
)
def test_c20_triggers_are_exact_and_inclusive(price: str, action: str, down: str) -> None:
    plan = BalancingPlan(down_threshold=Decimal(down))
    decision = decided(cell("50", "5000", "100"), price, plan)
    assert plan.down_threshold == Decimal("0.03")
    assert decision.action == action


def test_c21_the_buy_at_97_and_the_book_after_its_fill() -> None:
    row = evaluated(cell("50", "5000", "100"), "97")
    proposal = row.proposals[0]
    assert proposal.qty == Decimal("5.23445477")
    assert proposal.notional == Decimal("507.742113")
    assert proposal.commission_estimate == Decimal("0.050774")
    assert row.impact.after.qty == Decimal("55.23445477")
    assert row.impact.after.cash == Decimal("4492.207113")
    assert row.impact.after.stock_fraction == Decimal("0.5439360133")


def test_c21_answers_the_published_evaluation() -> None:
    row = evaluated(cell("50", "5000", "100"), "97")
    assert row.action.action is DecisionAction.BUY
    assert row.action.reason_code is ReasonCode.THRESHOLD_CROSSED
    assert row.action.reason == "97 is 3.00 % below anchor 100; down threshold 3.00 %."
    assert row.trigger.change == Decimal("-0.03")
    assert row.guardrails.stock_fraction == Decimal("0.4923857868")
    assert row.guardrails.within is True
    assert to_row(row)["proposals"] == [
        {
            "side": "BUY",
            "qty": Decimal("5.23445477"),
            "raw_qty": Decimal("5.2344547773"),
            "notional": Decimal("507.742113"),
            "commission_estimate": Decimal("0.050774"),
            "reason_code": "threshold_crossed",
            "trimming": [],
            "stock_fraction_before": Decimal("0.4923857868"),
            "stock_fraction_after": Decimal("0.5439360133"),
            "valid": True,
            "rejections": [],
            "expires_at": "2026-01-05T15:15:00.000000Z",
        }
    ]


def test_c22_the_sell_back_at_100_earns_more_than_holding() -> None:
    row = evaluated(cell("55.23445477", "4492.207113", "97"), "100")
    proposal = row.proposals[0]
    assert row.trigger.change == Decimal("0.0309278351")
    assert proposal.side is Side.SELL
    assert proposal.qty == Decimal("5.00792645")
    assert proposal.notional == Decimal("500.792645")
    assert proposal.commission_estimate == Decimal("0.050079")
    assert row.impact.after.qty == Decimal("50.22652832")
    assert row.impact.after.cash == Decimal("4992.949679")
    assert row.impact.after.equity == Decimal("10015.602511")
    assert 50 * 100 + 5000 == 10000 < row.impact.after.equity


def test_c22c_at_90_the_size_is_not_clipped() -> None:
    view = cell("50", "5000", "100")
    proposal = decided(view, "90").proposal
    assert proposal is not None
    assert proposal.qty == Decimal("19.54771604")
    assert proposal.trimming == ()
    share = proposal.qty * 90 / view.equity_at(Decimal(90))
    assert share.quantize(Decimal("0.0001")) == Decimal("0.1852")


def test_c22c_at_85_the_size_is_clipped_to_a_fifth_of_equity() -> None:
    proposal = decided(cell("50", "5000", "100"), "85").proposal
    assert proposal is not None
    assert quantity_to_step(proposal.raw_qty) == Decimal("32.00756055")
    assert proposal.qty == Decimal("21.76470588")
    assert [(t.step, t.limit) for t in proposal.trimming] == [(ClipStep.MAX_TRADE, Decimal("0.20"))]
    assert (proposal.trimming[0].from_qty, proposal.trimming[0].to_qty) == (
        Decimal("32.0075605536"),
        Decimal("21.7647058824"),
    )


def test_c22b_a_buy_to_the_upper_bound_lands_on_it() -> None:
    qty, money, price, bound = Decimal(50), Decimal(5000), Decimal(97), Decimal("0.75")
    exact = buy_to_fraction_qty(qty * price + money, qty, price, bound, RATE)
    assert quantity_to_step(exact) == Decimal("26.15783197")
    landed = stock_fraction_after(qty, money, Side.BUY, exact, price, exact * price * RATE)
    assert landed is not None
    assert abs(landed - bound) < Decimal("1e-9")
    plan = BalancingPlan(max_trade_fraction=Decimal(1))
    wish = WishedTrade(Side.BUY, Decimal(30), price)
    clipped = clip(wish, plan, cell("50", "5000", "100"))
    assert clipped.qty == Decimal("26.15783197")
    assert [t.step for t in clipped.trimming] == [ClipStep.BAND]


def test_c22b_a_sell_to_the_lower_bound_lands_on_it() -> None:
    qty, money, price, bound = Decimal(50), Decimal(5000), Decimal(103), Decimal("0.25")
    exact = sell_to_fraction_qty(qty * price + money, qty, price, bound, RATE)
    assert quantity_to_step(exact) == Decimal("25.36471178")
    plan = BalancingPlan(max_trade_fraction=Decimal(1))
    clipped = clip(WishedTrade(Side.SELL, Decimal(30), price), plan, cell("50", "5000", "100"))
    assert clipped.qty == Decimal("25.36471178")
    fee = commission(clipped.qty, price, RATE)
    landed = stock_fraction_after(qty, money, Side.SELL, clipped.qty, price, fee)
    assert landed is not None
    assert bound <= landed < bound + Decimal("1e-9")


def test_c23_the_first_fill_moves_toward_the_band_and_is_allowed() -> None:
    before = stock_fraction(Decimal(0), Decimal(10000), Decimal(20))
    after = stock_fraction_after(Decimal(0), Decimal(10000), Side.BUY, Decimal("1.5"), Decimal(20))
    assert after == Decimal("0.003")
    assert is_allowed_by_band(Band(), before, after)
    booked = after_trade(
        Decimal(0), Decimal(10000), Side.BUY, Decimal("1.5"), Decimal(20), Decimal(0)
    )
    assert booked == (Decimal("1.5"), Decimal(9970))


def test_c24_an_empty_cell_is_rebalanced_to_the_lower_bound() -> None:
    row = evaluated(cell("0", "10000", "20"), "20")
    proposal = row.proposals[0]
    assert row.action.action is DecisionAction.BUY
    assert row.action.reason_code is ReasonCode.AUTO_GUARDRAIL_REBALANCE
    assert proposal.qty == Decimal("124.99687507")
    assert proposal.notional == Decimal("2499.937501")
    assert proposal.commission_estimate == Decimal("0.249994")
    assert proposal.stock_fraction_after == Decimal("0.25")
    assert proposal.trimming == ()
    assert row.action.reason == "Stock is 0.00 % of equity, below the band's minimum 25.00 %."


def test_a_proposal_expires_at_the_close_when_that_comes_first() -> None:
    close = NOW + timedelta(minutes=4)
    market = MarketView(NOW, PriceView(Decimal(97), "request"), session_close=close)
    identity = EvaluationIdentity("eval_1", "trace_1", EvaluationMode.MANUAL)
    row = evaluate(BalancingPlan(), cell("50", "5000", "100"), market, identity)
    assert row.proposals[0].expires_at == close

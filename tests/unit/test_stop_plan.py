"""R of one unit, and the initial risk it gives a round trip."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from application.simulation.paper_stop import stop_plan
from domain.portfolio.account import Costs
from domain.portfolio.round_trip import RoundTrip, TripFill
from domain.portfolio.stop_plan import StopPlan
from domain.shared.side import Side

D = Decimal
START = datetime(2026, 1, 5, tzinfo=UTC)
FILL = TripFill(D(2), D(100), D("0.2"), D(0), START)
STOP = StopPlan(D(95), D(95), D("0.001"))
TRIP = RoundTrip("sim_trd_1", "run", "pos", "A", Side.BUY, 1, START, stop_price=D(95))


@pytest.mark.parametrize(
    ("side", "level", "fills_at", "loss"),
    [
        (Side.BUY, D(95), D("94.99"), D("5.20499")),
        (Side.SELL, D(105), D("105.02"), D("5.22502")),
    ],
)
def test_a_stop_costs_slippage_and_the_fees_of_both_sides(
    side: Side, level: Decimal, fills_at: Decimal, loss: Decimal
) -> None:
    exit_side = Side.SELL if side is Side.BUY else Side.BUY
    plan = stop_plan(exit_side, level, Costs(D("0.001"), D("0.0001")), D("0.01"))
    assert plan.fills_at == fills_at
    assert plan.loss_per_unit(side, D(100)) == loss


def test_every_entry_counts_with_the_stop_of_its_own_order() -> None:
    nearer = StopPlan(D(99), D(99), D("0.001"))
    trip = TRIP.entered(FILL, STOP).entered(FILL, nearer)
    assert trip.risk == D("10.39") + D("2.398")
    assert trip.stop_price == 95


def test_an_entry_without_a_stop_leaves_no_initial_risk() -> None:
    trip = TRIP.entered(FILL, STOP).entered(FILL, None)
    assert trip.risk is None and trip.r_multiple is None
    assert trip.entered(FILL, STOP).risk is None


def test_an_entry_beyond_its_stop_risks_nothing() -> None:
    assert TRIP.entered(FILL, StopPlan(D(110), D(110), D(0))).risk == 0

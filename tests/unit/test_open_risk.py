"""Loss at the stop, cost of leaving included, over the equity."""

from decimal import Decimal

import pytest

from domain.risk.open_risk import OpenPosition, loss_at_stop, open_risk

D = Decimal


@pytest.mark.parametrize(
    ("position", "loss"),
    [
        (OpenPosition(D(133), D(150), D(138)), "1615.95"),
        (OpenPosition(D(100), D(120), D(110), fee_rate=D("0.001")), "1024"),
        (OpenPosition(D(-100), D(100), D(108)), "810"),
        (OpenPosition(D(100), D(100), D(105)), "10"),
        (OpenPosition(D(100), D(100), D(90), half_spread=D("0.005")), "1050"),
        (OpenPosition(D(100), D(100), D(90), half_spread=D("0.0001")), "1010"),
    ],
)
def test_the_loss_runs_from_the_mark_to_the_stop_and_out(position: OpenPosition, loss: str) -> None:
    assert loss_at_stop(position) == D(loss)


def test_open_risk_is_the_sum_over_the_equity() -> None:
    two = [OpenPosition(D(133), D(150), D(138)), OpenPosition(D(100), D(120), D(110))]
    assert open_risk(two, D(100_000)).value == D("0.0262795")
    assert open_risk([], D(100_000)).value == 0


def test_what_is_unknown_is_null_with_its_reason() -> None:
    held = OpenPosition(D(10), D(100), D(90))
    assert open_risk([held], None).reason == "no_price"
    assert open_risk([OpenPosition(D(10), None, D(90))], D(1)).reason == "no_price"
    assert open_risk([held], D(0)).reason == "equity_not_positive"
    unprotected = OpenPosition(D(10), D(100), None)
    assert open_risk([held, unprotected], D(1000)).reason == "unprotected_without_volatility"

"""One R on paper: what a trade loses at its stop is what it was sized, judged and reported by."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.portfolio import exact
from tests.support.simulation import PaperAccount, paper_account, with_tick

D = Decimal
ETH = "ETH-USDT-PERP"
# Ledger cash has six decimals: one rounding per fee and profit.
ROUNDING = D("0.00001")

DISTANCES = st.integers(2, 3000).map(lambda i: D(i) / 10_000)
PRICES = st.integers(100, 5_000_000).map(lambda i: D(i) / 100)
RISKS = st.integers(1, 200).map(lambda i: D(i) / 10_000)
EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaperAccount]:
    patch = pytest.MonkeyPatch()
    opened = paper_account(tmp_path_factory.mktemp("paper"), patch, simulation_min_reward_risk=D(0))
    with opened as account:
        with_tick(account, "0.01", ETH)
        yield account
    patch.undo()


def fresh(account: PaperAccount, price: Decimal) -> None:
    assert account.post("/reset").status_code == 200
    account.start()
    account.quote(float(price), "ETH")


def used(order: dict[str, Any]) -> Decimal:
    return next(D(c["used"]) for c in order["checks"] if c["code"] == "risk_per_trade")


def stop_level(side: str, price: Decimal, distance: Decimal) -> Decimal:
    level = price * (1 - distance if side == "BUY" else 1 + distance)
    return max(D("0.01"), level.quantize(D("0.01")))


@EXAMPLES
@given(
    side=st.sampled_from(["BUY", "SELL"]),
    kind=st.sampled_from(["market", "limit", "stop_market", "stop_limit"]),
    price=PRICES,
    distance=DISTANCES,
    risk=RISKS,
)
def test_a_stopped_trade_loses_no_more_than_its_budget(
    account: PaperAccount, side: str, kind: str, price: Decimal, distance: Decimal, risk: Decimal
) -> None:
    fresh(account, price)
    terms: dict[str, Any] = {}
    if kind in ("limit", "stop_limit"):
        terms["price"] = float(price)
    if kind in ("stop_market", "stop_limit"):
        terms["stop_price"] = float(price)
    stop = stop_level(side, price, distance)
    made = account.submit(
        side, None, "ETH", order_type=kind, risk_fraction=float(risk), stop_loss=float(stop),
        leverage=125,
        **terms,
    )  # fmt: skip
    if stop == price:
        assert made.json()["code"] in ("invalid_stop", "invalid_bracket")
        return
    order = dict(exact(made))
    if made.status_code == 422:
        assert order["code"] in ("below_minimum", "risk_rejected"), made.text
        if order["code"] == "risk_rejected":
            failed = {c["code"] for c in order["context"]["checks"] if c["status"] == "failed"}
            assert failed == {"buying_power"}
        return
    assert used(order) <= risk
    account.quote(float(stop), "ETH")
    (trade,) = account.get("/trades")["items"]
    lost = -trade["net_pnl"]
    assert lost <= risk * 10_000 + ROUNDING
    assert abs(trade["risk"] - used(order) * 10_000) <= ROUNDING
    assert abs(trade["risk"] - lost) <= ROUNDING


@EXAMPLES
@given(first=DISTANCES, second=DISTANCES)
def test_each_entry_is_measured_by_the_stop_of_its_own_order(
    account: PaperAccount, first: Decimal, second: Decimal
) -> None:
    fresh(account, D(1000))
    risks = []
    for distance in (first, second):
        stop = stop_level("BUY", D(1000), distance)
        order = account.order("BUY", "0.1", symbol="ETH", stop_loss=float(stop))
        risks.append(used(order))
    assert account.close("ETH").status_code == 201
    trade = account.get("/trades")["items"][0]
    # The second is judged by an equity that has paid for the first.
    worth = [10_000, 10_000 - D("0.1") * (D("1000.1") * D("1.001") - D(1000))]
    expected = sum(risk * equity for risk, equity in zip(risks, worth, strict=True))
    assert abs(trade["risk"] - expected) <= ROUNDING

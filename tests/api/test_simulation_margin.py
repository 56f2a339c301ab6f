"""Margin of paper orders over HTTP: what an account cannot carry is refused before it is traded."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infrastructure.persistence.doctor import examine
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.examination import Examination
from tests.support.portfolio import refusal
from tests.support.simulation import BTC, PaperAccount, paper_account

D = Decimal


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperAccount]:
    with paper_account(tmp_path, monkeypatch) as made:
        made.start()
        yield made


def examined(file: Path) -> Examination:
    database = open_database(f"sqlite:///{file}")
    try:
        return examine(database)
    finally:
        database.close()


def failed(account: PaperAccount, answer: Any) -> dict[str, Any]:
    """Failed checks of a refused order by code."""
    assert refusal(answer) == (422, "risk_rejected")
    order = account.one_order(answer.json()["context"]["order_id"])
    return {c["code"]: c for c in order["checks"] if c["status"] == "failed"}


def test_an_account_that_cannot_be_valued_takes_no_new_risk(account: PaperAccount) -> None:
    account.quote(100)
    account.order("BUY", 1)
    account.prices(bid=100)
    account.quote(50, symbol="ETH")
    checks = failed(account, account.submit("BUY", 1_000_000, symbol="ETH", stop_loss=45))
    assert {c: f["reason"] for c, f in checks.items()} == {
        "buying_power": "unpriced_position",
        "risk_per_trade": "unpriced_position",
    }
    assert account.close().status_code == 201


def test_an_account_without_equity_takes_no_new_risk(account: PaperAccount) -> None:
    account.quote(100)
    account.quote(50, symbol="ETH")
    account.order("SELL", 90)
    account.quote(500)
    assert account.get("/portfolio")["total_value"] < 0
    checks = failed(account, account.submit("BUY", 1, symbol="ETH"))
    assert checks["buying_power"]["reason"] == "no_equity"


@pytest.mark.parametrize(
    ("side", "quantity", "terms"),
    [
        ("SELL", 100, {"order_type": "limit", "price": "0.01"}),
        ("BUY", 1, {"order_type": "stop_market", "stop_price": 100}),
        # The margin fits, what the spread takes at once does not.
        ("BUY", 20, {"leverage": 125}),
    ],
)
def test_a_typed_price_that_does_not_bind_does_not_count(
    account: PaperAccount, side: str, quantity: int, terms: dict[str, Any]
) -> None:
    account.prices(bid=49000, ask=51000, mark=50000)
    assert set(failed(account, account.submit(side, quantity, **terms))) == {"buying_power"}


def test_a_size_by_risk_uses_the_price_it_would_fill_at(account: PaperAccount) -> None:
    account.prices(bid=49995, ask=50005, mark=50000)
    order = account.order(
        "BUY", None, order_type="stop_market", stop_price=100, risk_fraction=0.01, stop_loss=90
    )
    assert order["qty"] < D("0.0021")


def test_a_bracket_is_judged_where_the_entry_fills(account: PaperAccount) -> None:
    account.quote(100)
    bracket = {"order_type": "limit", "price": 110, "stop_loss": 105, "take_profit": 130}
    assert refusal(account.submit("BUY", 1, **bracket)) == (422, "invalid_bracket")


def test_only_the_first_order_against_a_position_is_free(account: PaperAccount) -> None:
    account.quote(100)
    account.order("BUY", 10)
    held = [account.order("SELL", 10, order_type="limit", price=110)["reserved"] for _ in range(3)]
    assert held == [0, D("1101.1"), D("1101.1")]
    first = next(o for o in account.orders() if o["reserved"] == 0 and o["status"] == "working")
    account.client.delete(f"/api/v1/simulation/orders/{first['id']}")
    left = sorted(o["reserved"] for o in account.orders() if o["status"] == "working")
    assert left == [0, D("1101.1")]


def test_a_closed_position_cancels_what_the_account_cannot_carry(account: PaperAccount) -> None:
    account.quote(100)
    account.order("BUY", 90)
    resting = account.order("SELL", 90, order_type="limit", price=150)
    assert resting["reserved"] == 0
    account.close()
    ended = account.one_order(resting["id"])
    assert (ended["status"], ended["reason"]) == ("cancelled", "buying_power")
    assert account.get("/portfolio")["order_margin"] == 0


def test_a_sell_trail_holds_what_its_level_has_risen_to(account: PaperAccount) -> None:
    account.quote(100)
    order = account.order("SELL", 10, order_type="trailing_stop", trail_fraction=0.01)
    assert order["reserved"] == D("1011.01")
    account.quote(200)
    # 198 is its level; 1 % and the fee on top.
    assert account.one_order(order["id"])["reserved"] == D("2001.7998")


def test_resting_orders_of_a_symbol_have_one_leverage(account: PaperAccount) -> None:
    account.quote(100)
    account.order("SELL", 30, order_type="limit", price=101, leverage=1)
    differs = account.submit("BUY", 1, leverage=125)
    assert refusal(differs) == (422, "invalid_request")
    account.order("BUY", 1)
    account.quote(101)
    held = account.positions()[BTC]
    assert (held["qty"], held["leverage"], held["margin"]) == (-29, 1, 2929)


def test_a_market_order_keeps_room_for_slippage(account: PaperAccount) -> None:
    account.quote(100)
    checks = failed(account, account.submit("BUY", "99"))
    assert checks["buying_power"]["used"] == D("10008.999")
    account.order("BUY", "98.91098999")
    assert account.get("/portfolio")["available"] > 0


def test_a_refused_first_order_leaves_no_position_waiting(
    account: PaperAccount, tmp_path: Path
) -> None:
    refused = account.submit("BUY", 1)
    assert refusal(refused) == (422, "risk_rejected")
    with closing(sqlite3.connect(tmp_path / "ballast.db")) as stored:
        waiting = "SELECT count(*) FROM sim_positions WHERE status <> 'closed'"
        assert stored.execute(waiting).fetchone() == (0,)
    assert examined(tmp_path / "ballast.db").is_sound
    account.quote(100)
    account.order("BUY", 1)
    assert account.positions()[BTC]["qty"] == 1
    assert examined(tmp_path / "ballast.db").is_sound


def test_the_risk_of_a_trade_counts_what_leaving_it_costs(account: PaperAccount) -> None:
    account.quote(50000)
    refused = account.submit("BUY", 1.8, leverage=10, stop_loss=49900)
    assert set(failed(account, refused)) == {"risk_per_trade"}
    checks = refused.json()["context"]["checks"]
    found = next(c for c in checks if c["code"] == "risk_per_trade")
    # 0.018 of distance, 0.0018 of slippage and 0.018 of fees.
    assert 0.0377 < found["used"] < 0.0379


def test_a_size_by_risk_counts_the_slippage_of_both_sides(account: PaperAccount) -> None:
    account.quote(100)
    order = account.order("BUY", None, risk_fraction=0.01, stop_loss=99)
    account.quote(99)
    trade = account.get("/trades")["items"][0]
    assert -100 <= trade["net_pnl"] < -99.9
    assert trade["risk"] == -trade["net_pnl"]
    assert D("-1.000001") <= trade["r_multiple"] <= D("-0.999999")
    assert order["checks"]

"""The published cases of the paper venue, sent over HTTP: exact to the last digit."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.portfolio import exact, refusal
from tests.support.simulation import BTC, PaperAccount, paper_account, with_tick

D = Decimal
BOOK = {"bid": 49995, "ask": 50005, "mark": 50000}


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperAccount]:
    with paper_account(tmp_path, monkeypatch) as made:
        with_tick(made, "0.01")
        made.start()
        yield made


def test_a_market_buy_pays_the_ask_slippage_and_commission(account: PaperAccount) -> None:
    account.prices(**BOOK)
    order = account.order("BUY", 0.1)
    assert (order["status"], order["avg_fill_price"]) == ("filled", D("50010.01"))
    assert order["fees"] == D("5.001001")
    portfolio = account.get("/portfolio")
    assert portfolio["cash"] == D("9994.998999")
    assert portfolio["unrealized_pnl"] == D("-1.001")
    assert portfolio["total_value"] == D("9993.997999")
    assert portfolio["used_margin"] == D("5001.001")
    assert portfolio["available"] == D("4992.996999")


def test_selling_it_again_realises_the_spread(account: PaperAccount) -> None:
    account.prices(**BOOK)
    account.order("BUY", 0.1)
    order = account.order("SELL", 0.1)
    assert (order["avg_fill_price"], order["fees"]) == (D("49990.00"), D("4.999"))
    portfolio = account.get("/portfolio")
    assert portfolio["realized_pnl"] == D("-2.001")
    assert portfolio["total_value"] == portfolio["cash"] == D("9987.998999")
    assert account.positions() == {}
    trades = account.get("/trades")["items"]
    assert len(trades) == 1
    assert trades[0]["net_pnl"] == D("-12.001001")
    assert (trades[0]["entry_price"], trades[0]["exit_price"]) == (D("50010.01"), D("49990"))


def test_a_mark_that_doubles(account: PaperAccount) -> None:
    account.prices(**BOOK)
    account.order("BUY", 0.1)
    account.prices(mark=100000)
    portfolio = account.get("/portfolio")
    assert portfolio["unrealized_pnl"] == D("4998.999")
    assert portfolio["total_value"] == D("14993.997999")


def test_without_a_price_nothing_is_sold(account: PaperAccount) -> None:
    refused = account.submit("SELL", 0.1)
    assert refusal(refused) == (422, "risk_rejected")
    order = account.one_order(refused.json()["context"]["order_id"])
    assert (order["status"], order["reason"], order["rejected_by"]) == (
        "rejected", "no_price", "gate",
    )  # fmt: skip
    assert account.get("/portfolio")["total_value"] == 10000


def test_selling_more_than_held_turns_the_position(account: PaperAccount) -> None:
    account.costs("0", "0")
    account.quote(100)
    account.order("BUY", 1)
    account.quote(110)
    account.order("SELL", 3)
    held = account.positions()[BTC]
    assert (held["qty"], held["avg_entry_price"]) == (-2, 110)
    assert account.get("/portfolio")["realized_pnl"] == 10


def test_a_trailing_stop_rises_and_never_falls(account: PaperAccount) -> None:
    account.quote(100)
    account.order("BUY", 1)
    order = account.order("SELL", 1, order_type="trailing_stop", trail_fraction=0.05)
    levels = []
    for mark in (100, 110, 105):
        account.quote(mark)
        levels.append(account.one_order(order["id"])["stop_level"])
    assert levels == [95, D("104.5"), D("104.5")]
    account.quote("104.4")
    ended = account.one_order(order["id"])
    assert (ended["status"], ended["is_triggered"]) == ("filled", True)
    assert account.positions() == {}
    assert account.get("/trades")["items"][0]["exit_reason"] == "trailing_stop"


def test_a_leveraged_long_is_liquidated(account: PaperAccount) -> None:
    account.costs("0", "0")
    account.quote(100)
    account.order("BUY", 1, leverage=10)
    held = account.positions()[BTC]
    assert held["liquidation_price"].quantize(D("0.0001")) == D("90.4523")
    account.quote("90.46")
    assert BTC in account.positions()
    account.quote("90.45")
    assert account.positions() == {}
    trade = account.get("/trades")["items"][0]
    assert (trade["exit_reason"], trade["exit_price"]) == ("liquidation", D("90.45"))


def test_identity_of_equity_after_every_step(account: PaperAccount) -> None:
    account.prices(**BOOK)
    for side, quantity in (("BUY", 0.1), ("SELL", 0.04), ("SELL", 0.1), ("BUY", 0.03)):
        account.order(side, quantity)
        seen = account.get("/portfolio")
        assert (
            seen["total_value"]
            == 10000
            + seen["realized_pnl"]
            + seen["unrealized_pnl"]
            - seen["fees"]
            - seen["funding"]
        )
    exact(account.client.get("/api/v1/simulation/status"))

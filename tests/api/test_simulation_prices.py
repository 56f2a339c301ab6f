"""Which prices may match which orders: age, symbol, tick, and the run they belong to."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.shared.instants import rfc3339
from tests.support.portfolio import exact, refusal
from tests.support.simulation import BTC, START, PaperAccount, paper_account, with_tick

D = Decimal
ETH = "ETH-USDT-PERP"


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperAccount]:
    with paper_account(tmp_path, monkeypatch) as made:
        made.costs("0", "0")
        made.start()
        made.quote(100)
        yield made


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def jump(account: PaperAccount, seconds: float) -> None:
    account.clock.jump(rfc3339(later(seconds)))


def at_once(price: Any, symbol: str = "BTC") -> dict[str, Any]:
    return {"symbol": symbol, "bid": price, "ask": price, "mark": price}


def test_a_symbol_is_liquidated_twice_at_one_instant(account: PaperAccount) -> None:
    account.order("BUY", 1, leverage=10)
    account.order("BUY", 1, order_type="stop", stop_price=120, leverage=10)
    fallen = account.post("/prices", {"prices": [at_once(p) for p in (50, 120, 50)]})
    assert fallen.status_code == 200, fallen.text
    assert exact(fallen)["applied"] == 3
    trades = account.get("/trades")["items"]
    assert [trade["exit_reason"] for trade in trades] == ["liquidation", "liquidation"]
    assert [trade["realized_pnl"] for trade in trades] == [-50, -70]
    assert account.positions() == {}


@pytest.mark.parametrize(
    "terms",
    [
        {"side": "BUY", "order_type": "limit", "price": 99},
        {"side": "SELL", "order_type": "stop", "stop_price": 99},
    ],
)
def test_a_price_from_before_an_order_does_not_fill_it(
    account: PaperAccount, terms: dict[str, Any]
) -> None:
    jump(account, 10)
    order = account.order(quantity=1, **terms)
    late = account.prices(bid=98, ask=98, mark=98, ts=rfc3339(later(5)))
    assert (late["applied"], late["ignored"]) == (1, 0)
    assert account.one_order(order["id"])["status"] == "working"
    account.quote(98)
    assert account.one_order(order["id"])["status"] == "filled"


def test_a_price_from_before_a_trailing_stop_does_not_pull_it(account: PaperAccount) -> None:
    account.order("BUY", 1)
    jump(account, 10)
    order = account.order("SELL", 1, order_type="trailing_stop", trail_fraction=0.1)
    account.prices(bid=130, ask=130, mark=130, ts=rfc3339(later(5)))
    assert account.one_order(order["id"])["stop_level"] == 90
    account.quote(130)
    assert account.one_order(order["id"])["stop_level"] == 117


def test_a_price_from_before_a_position_does_not_liquidate_it(account: PaperAccount) -> None:
    jump(account, 10)
    account.order("BUY", 1, leverage=10)
    account.prices(mark=50, ts=rfc3339(later(5)))
    assert account.positions()[BTC]["qty"] == 1
    account.quote(50)
    assert account.positions() == {}


def test_a_price_too_old_at_its_receipt_is_ignored(account: PaperAccount) -> None:
    account.order("BUY", 1, leverage=10)
    stop = account.order("SELL", 1, order_type="stop", stop_price=95, reduce_only=True)
    jump(account, 3600)
    old = account.prices(bid=50, ask=50, mark=50, ts=rfc3339(later(3584)))
    assert (old["applied"], old["ignored"]) == (0, 1)
    assert account.one_order(stop["id"])["status"] == "working"
    assert account.positions()[BTC]["mark"] == 100
    young = account.prices(bid=94, ask=94, mark=94, ts=rfc3339(later(3590)))
    assert (young["applied"], young["ignored"]) == (1, 0)
    assert account.one_order(stop["id"])["avg_fill_price"] == 94


def test_naming_symbols_blinds_no_position_and_no_order(account: PaperAccount) -> None:
    held = account.order("BUY", 1, stop_loss=95)
    account.quote(50, "ETH")
    resting = account.order("BUY", 1, symbol="ETH", order_type="limit", price=40)
    account.post("/stop")
    status = account.start(symbols=["SOL"])
    assert status["price_pairs"] == [BTC, ETH, "SOL-USDT-PERP"]
    assert status["unprotected_positions"] == []
    for symbol, price in (("BTC", 90), ("ETH", 39)):
        assert account.quote(price, symbol)["applied"] == 1
    assert account.one_order(resting["id"])["status"] == "filled"
    assert account.one_order(held["children"][0])["status"] == "filled"
    assert account.quote(10, "XRP")["ignored"] == 1
    assert account.quote(90)["ignored"] == 1


def test_without_a_feed_nothing_held_is_protected(account: PaperAccount) -> None:
    account.order("BUY", 1, stop_loss=95)
    assert account.get("/status")["unprotected_positions"] == []
    account.post("/stop")
    assert account.start("live")["unprotected_positions"] == [BTC]
    assert account.positions()[BTC]["is_protected"] is False


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (
            {"order_type": "limit", "price": "99.98765"},
            "price 99.98765 is off the tick 0.01, nearest 99.98 or 99.99",
        ),
        (
            {"order_type": "stop", "stop_price": "101.001"},
            "stop_price 101.001 is off the tick 0.01, nearest 101 or 101.01",
        ),
        (
            {"stop_loss": "98.999", "take_profit": "103.005"},
            "stop_loss 98.999 is off the tick 0.01, nearest 98.99 or 99; "
            "take_profit 103.005 is off the tick 0.01, nearest 103 or 103.01",
        ),
        (
            {"order_type": "limit", "price": "0.004"},
            "price 0.004 is off the tick 0.01, nearest 0.01",
        ),
    ],
)
def test_a_price_between_ticks_is_refused_and_the_nearest_are_named(
    account: PaperAccount, terms: dict[str, Any], told: str
) -> None:
    with_tick(account, "0.01")
    refused = account.submit("BUY", 1, **terms)
    assert (refused.status_code, refused.json()["code"]) == (422, "risk_rejected")
    context = refused.json()["context"]
    rules = next(c for c in context["checks"] if c["code"] == "instrument_rules")
    assert (rules["status"], rules["limit_key"], rules["limit"]) == ("failed", "tick_size", 0.01)
    assert rules["reason"] == told
    assert told in refused.json()["detail"]
    assert account.one_order(context["order_id"])["status"] == "rejected"
    assert account.submit("BUY", 1, order_type="limit", price="99.98").status_code == 201


@pytest.mark.parametrize("symbol", ["VIX", "WTI", "SPX", "^IXIC"])
@pytest.mark.parametrize("origin", ["manual", "strategy"])
def test_what_is_only_read_is_not_traded_at_told_prices(
    account: PaperAccount, symbol: str, origin: str
) -> None:
    account.quote(20, symbol)
    refused = account.submit("BUY", 1, symbol, origin=origin)
    assert refusal(refused) == (422, "not_tradable")
    assert account.orders() == []
    assert refusal(account.close(symbol)) == (404, "position_not_found")


def test_a_price_at_one_tick_is_taken(account: PaperAccount) -> None:
    account.quote(0.0001, "PEPE")
    assert account.order("BUY", 1, symbol="PEPE")["avg_fill_price"] == D("0.0001")

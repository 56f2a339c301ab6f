"""Trades on the desktop's paths, from the opening to their place in performance and history."""

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.market import calendar_folder
from tests.support.portfolio import exact
from tests.support.service import Service, running_service

D = Decimal
MARKET = {"vix": 18.0, "t2108": 45.0, "momentum_ratio": 1.2, "true_range": 2.0}


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    shutil.copytree(calendar_folder() / "calendars", tmp_path / "calendars")
    with running_service(tmp_path, monkeypatch) as running:
        yield running


def asked(service: Service, method: str, path: str, body: object = None) -> Any:
    answer = service.client.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return exact(answer)


def opened(service: Service, symbol: str = "AAPL", price: float = 100.0) -> Any:
    body = {"symbol": symbol, "entry_price": price, "market_data": MARKET}
    return asked(service, "POST", "/positions/open", body)


def test_one_trade_closed_at_its_stop(service: Service) -> None:
    assert opened(service)["sizing"]["shares"] == 200
    service.clock.jump("2025-03-04T21:00:00Z")
    bar = {"open": 95, "high": 96, "low": 91, "close": 91.5}
    body = {"symbol": "AAPL", "current_price_data": bar, "market_data": MARKET}
    assert asked(service, "PUT", "/positions/update", body)["position_status"] == "CLOSED"
    found = asked(service, "GET", "/performance")
    assert (found["total_trades"], found["active_positions"]) == (1, 0)
    assert (found["max_win"], found["max_loss"], found["win_rate"]) == (0, -8, 0)
    assert (found["trade_curve_drawdown_pct"], found["current_drawdown"]) == (8, D("-1.6"))
    assert (found["total_return_pct"], found["sum_return_pct"]) == (D("-1.6"), -8)
    assert found["expectancy_r"] == -1
    assert found["sharpe_ratio"] is None and found["annualized_roi"] is None
    assert found["reasons"]["sharpe_ratio"] == "fewer_than_5_days"
    assert found["reasons"]["annualized_roi"] == "fewer_than_20_sessions"
    assert found["by_regime"]["bull_normal"]["trades"] == 1


def test_one_trade_that_takes_all_its_targets(service: Service) -> None:
    opened(service)
    service.clock.jump("2025-03-04T21:00:00Z")
    bar = {"open": 100, "high": 150, "low": 99, "close": 149}
    body = {"symbol": "AAPL", "current_price_data": bar, "market_data": MARKET}
    asked(service, "PUT", "/positions/update", body)
    found = asked(service, "GET", "/performance")
    assert found["max_win"] == found["avg_return_per_trade"] == D("29.25")
    assert (found["max_loss"], found["profit_factor"]) == (0, None)
    history = asked(service, "GET", "/trade-history")
    assert [row["action"] for row in history] == [
        "POSITION_OPENED", "PROFIT_TAKING_LEVEL_1", "PROFIT_TAKING_LEVEL_2",
        "PROFIT_TAKING_LEVEL_3", "POSITION_CLOSED",
    ]  # fmt: skip
    closed = history[-1]
    assert (closed["reason"], closed["profit_levels_hit"]) == ("profit_taking_complete", 3)
    assert closed["total_return_pct"] == D("29.25")
    sold = [row for row in history if row["action"].startswith("PROFIT")]
    assert [(row["quantity"], row["price"]) for row in sold] == [(50, 112), (50, 125), (100, 140)]


def test_an_open_trade_is_active_and_at_risk(service: Service) -> None:
    opened(service)
    found = asked(service, "GET", "/performance")
    assert (found["active_positions"], found["total_trades"], found["open_pnl"]) == (1, 0, 0)
    assert found["exposure_pct"] == 20
    # 200 shares, 8 down to the stop, and 10 bps of 20,000 to leave: 1,620 of 100,000.
    assert found["heat_pct"] == D("1.62")


def test_a_closed_cell_is_no_trade(service: Service) -> None:
    made = service.post("/positions", {"ticker": "ZIM", "qty": 0, "cash": 10}, expect=201)
    removed = service.client.delete(f"/api/v1/positions/{made['id']}", headers={"If-Match": '"1"'})
    assert removed.status_code == 204, removed.text
    assert asked(service, "GET", "/performance")["total_trades"] == 0
    assert asked(service, "GET", "/trade-history") == []

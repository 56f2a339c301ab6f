"""NAV, peak and drawdown of the account as trades are opened, updated and closed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.desktop import Desktop, desktop_service
from tests.support.hand_clock import HandClock

D = Decimal
MONDAY = datetime(2025, 3, 3, 15, 0, tzinfo=UTC)


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    with desktop_service(tmp_path, monkeypatch, clock=HandClock(MONDAY)) as running:
        yield running


def performance(desktop: Desktop) -> Any:
    return desktop.ask("GET", "/performance")


def close(desktop: Desktop, price: float, symbol: str = "AAPL") -> None:
    desktop.ask("POST", f"/positions/{symbol}/close", {"price": price})


def main(desktop: Desktop) -> Any:
    return desktop.ask("GET", "/api/v1/accounts")["items"][0]


def cell(desktop: Desktop, ticker: str, cash: int) -> str:
    body = {"ticker": ticker, "qty": 0, "cash": cash}
    return str(desktop.ask("POST", "/api/v1/positions", body, expect=201)["id"])


def fill(desktop: Desktop, cell_id: str, qty: float, price: float) -> None:
    key = f"{cell_id}-{price}-{qty}"
    order = desktop.client.post(
        f"/api/v1/positions/{cell_id}/orders",
        json={"side": "BUY" if qty > 0 else "SELL", "qty": abs(qty)},
        headers={"Idempotency-Key": key},
    )
    assert order.status_code == 201, order.text
    filled = desktop.client.post(
        f"/api/v1/orders/{order.json()['order_id']}/fill",
        json={"price": price, "filled_qty": abs(qty), "commission": 0},
    )
    assert filled.status_code == 200, filled.text


def test_a_peak_between_two_session_closes_is_kept(desktop: Desktop) -> None:
    for minute, (symbol, price) in enumerate((("A", 110), ("B", 110), ("C", 95), ("D", 95))):
        desktop.clock.jump(f"2025-03-03T15:{10 + minute}:00Z")
        desktop.open(symbol, 100)
        close(desktop, price, symbol)
    found, account = performance(desktop), main(desktop)
    nav, peak = 1 + found["total_return_pct"] / 100, D(str(account["high_water_mark"]))
    assert peak == D("1.0404")
    assert nav < peak
    assert abs(found["current_drawdown"] + (1 - nav / peak) * 100) < D("1e-6")
    assert found["max_drawdown_pct"] == -found["current_drawdown"]


def test_a_peak_seen_by_a_bar_is_kept_when_the_next_bar_falls(desktop: Desktop) -> None:
    desktop.open("AAPL", 100)
    desktop.clock.jump("2025-03-03T16:00:00Z")
    desktop.bar(110, final=False)
    desktop.bar(99, final=False)
    account = main(desktop)
    assert (account["high_water_mark"], account["nav"]) == (D("1.02"), D("0.998"))
    assert performance(desktop)["max_drawdown_pct"] == D("2.15686275")
    desktop.bar(105, final=False)
    found = performance(desktop)
    assert (found["max_drawdown_pct"], found["current_drawdown"]) == (
        D("2.15686275"),
        D("-0.98039216"),
    )


def test_a_cells_fill_at_a_new_price_is_a_peak_too(desktop: Desktop) -> None:
    made = cell(desktop, "ZIM", 20000)
    for minute, (qty, price) in enumerate(((100, 100), (1, 120), (1, 90))):
        desktop.clock.jump(f"2025-03-03T15:{10 + minute}:00Z")
        fill(desktop, made, qty, price)
    assert main(desktop)["high_water_mark"] == D("1.0166666667")


@pytest.mark.parametrize("named", [False, True])
def test_bars_sent_after_the_close_count_in_their_session(desktop: Desktop, named: bool) -> None:
    desktop.open("AAPL", 100, true_range=5)
    closes = (100, 101, 99, 104, 96, 103, 105, 95)
    days = ("03", "04", "05", "06", "07", "10", "11", "12")
    for day, price in zip(days, closes, strict=True):
        desktop.clock.jump(f"2025-03-{day}T21:30:00Z")
        more = {"as_of": f"2025-03-{day}"} if named else {}
        desktop.bar(price, final=False, high=max(price, 100), low=min(price, 99), **more)
    found = performance(desktop)
    assert round(found["sharpe_ratio"], 2) == D("-1.61")
    assert (found["total_return_pct"], found["stale_days"]) == (-1, 0)
    events = desktop.ask("GET", "/api/v1/events?type=nav_restated&limit=100")
    assert len(events["items"]) == len(closes) - 1


def test_a_close_by_hand_belongs_to_the_day_it_was_made(desktop: Desktop) -> None:
    desktop.open("AAPL", 100)
    desktop.clock.jump("2025-03-03T20:00:00Z")
    desktop.bar(102, final=False)
    desktop.clock.jump("2025-03-04T15:00:00Z")
    close(desktop, 90)
    assert main(desktop)["high_water_mark"] == D("1.004")
    found = performance(desktop)
    assert (found["total_return_pct"], found["max_drawdown_pct"]) == (-2, D("2.39043825"))


def test_a_cell_without_a_price_takes_the_one_told_of_its_instrument(desktop: Desktop) -> None:
    body = {"ticker": "AAPL", "qty": 10, "cash": 100}
    desktop.ask("POST", "/api/v1/positions", body, expect=201)
    assert main(desktop)["equity"] is None
    desktop.open("AAPL", 100)
    account = main(desktop)
    assert (account["equity"], account["nav"], account["drawdown"]) == (101_100, 1, 0)


def test_a_fall_beyond_the_tolerated_drawdown_alerts_once_per_fall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    careful = {"performance_targets": {"max_drawdown_tolerance": 1}}
    clock = HandClock(MONDAY)
    with desktop_service(tmp_path, monkeypatch, config=careful, clock=clock) as desktop:
        desktop.open("AAPL", 100)
        falls = []
        for minute, price in enumerate((96, 94, 93, 98, 94, 93.5)):
            desktop.clock.jump(f"2025-03-03T15:{10 + minute}:00Z")
            desktop.bar(price, final=False)
            found = desktop.ask("GET", "/api/v1/events?type=alert_raised")["items"]
            falls.append(len(found))
        assert falls == [0, 1, 1, 1, 2, 2]
        assert found[-1]["data"]["inputs"].items() >= {
            "code": "drawdown_tolerance_exceeded", "drawdown": D("0.012"),
            "tolerance": D("0.01"), "nav": D("0.988"), "high_water_mark": 1,
        }.items()  # fmt: skip
        opened = desktop.open("MSFT", 100)
        assert opened["sizing"]["shares"] > 0

"""The published bodies, and the published cases of opening and updating trades, over HTTP."""

from collections.abc import Iterator
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from tests.support.desktop import AAPL_OPEN, AAPL_UPDATE, Desktop, desktop_service, refused
from tests.support.portfolio import refusal

LEGACY = {"exits": {"profile": "legacy"}}
MONDAY, TUESDAY = "2026-01-05T15:00:00Z", "2026-01-06T15:00:00Z"
WEDNESDAY, THURSDAY = "2026-01-07T15:00:00Z", "2026-01-08T15:00:00Z"


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    with desktop_service(tmp_path, monkeypatch) as service:
        yield service


@pytest.fixture
def legacy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    with desktop_service(tmp_path, monkeypatch, LEGACY) as service:
        yield service


def names(update: dict[str, Any]) -> list[str]:
    return [action["action"] for action in update["actions"]]


def test_the_published_open_and_update_answer_the_published_bodies(desktop: Desktop) -> None:
    opened = desktop.ask("POST", "/positions/open", AAPL_OPEN)
    caps = {cap["name"]: cap["shares"] for cap in opened["sizing"].pop("caps")}
    assert caps == {
        "risk_per_trade": 166,
        "max_position_size": 666,
        "position_concentration_limit": 133,
        "requested": 666,
        "buying_power": 666,
        "max_correlation_exposure": 833,
    }
    assert opened.pop("id").startswith("pos_")
    more = {"entry_filter": "neutral", "costs": "not_configured", "warnings": []}
    assert opened == more | {
        "position_id": "AAPL",
        "symbol": "AAPL",
        "entry_price": 150,
        "regime": "bull_normal",
        "stop_level": 138,
        "stop_distance_pct": -8,
        "profit_targets": [168, D("187.5"), 210],
        "expected_hold_days": 3,
        "regime_transition_detected": False,
        "market_adjustments": "",
        "sizing": {
            "requested_pct": 100,
            "applied_pct": D("19.95"),
            "shares": 133,
            "notional": 19950,
            "risk_amount": 1596,
            "risk_pct": D("1.596"),
            "binding": "position_concentration_limit",
            "warnings": ["position_size_clipped"],
        },
    }
    updated = desktop.ask("PUT", "/positions/update", AAPL_UPDATE)
    assert (
        updated.items()
        >= {
            "symbol": "AAPL",
            "actions": [],
            "position_status": "ACTIVE",
            "current_pnl": D("0.0233333333"),
            "realized_pnl": 0,
            "remaining_position": 100,
            "days_held": 0,
            "stop_level": 138,
            "max_profit": D("0.0333333333"),
            "max_loss": D("-0.0133333333"),
            "final_pnl": None,
            "replayed": False,
        }.items()
    )
    shown = desktop.ask("GET", "/positions/AAPL")
    assert (
        shown.items()
        >= {
            "symbol": "AAPL",
            "entry_price": 150,
            "position_size": D("19.95"),
            "regime_at_entry": "bull_normal",
            "vix_at_entry": D("18.5"),
            "stop_level": 138,
            "profit_levels": [168, D("187.5"), 210],
            "remaining_position": 100,
            "realized_pnl": 0,
            "days_held": 0,
            "quantity": 133,
            "current_price": D("153.5"),
            "current_pnl": D("0.0233333333"),
        }.items()
    )
    assert shown["entry_date"].startswith("2026-01-05T15:00:00")
    assert desktop.ask("GET", "/positions") == {"AAPL": shown}


def test_both_profiles_open_the_published_trade_alike(legacy: Desktop) -> None:
    opened = legacy.ask("POST", "/positions/open", AAPL_OPEN)
    assert (opened["stop_level"], opened["profit_targets"]) == (138, [168, D("187.5"), 210])


def regimes_of(service: Desktop, levels: tuple[float, ...]) -> list[str]:
    """Regime of a small trade opened at each VIX, in another symbol each time."""
    return [
        service.open(f"T{number}", vix=vix, true_range=2, position_size=1)["regime"]
        for number, vix in enumerate(levels)
    ]


def test_standard_bands(desktop: Desktop) -> None:
    levels = (11.99, 12, 19.99, 20, 35, 35.01)
    expected = [
        "low_vol_complacency", "bull_normal", "bull_normal",
        "high_vol_stress", "high_vol_stress", "crisis_opportunity",
    ]  # fmt: skip
    assert regimes_of(desktop, levels) == expected
    desktop.clock.jump(TUESDAY)
    again = [
        desktop.open(f"U{n}", vix=vix, true_range=2, position_size=1)["regime"]
        for n, vix in enumerate(levels)
    ]
    assert again == expected, "a VIX in a request is classified as it is"


def test_legacy_bands(legacy: Desktop) -> None:
    assert regimes_of(legacy, (14.9, 15, 29.9, 30, 49.9, 50)) == [
        "low_vol_complacency", "bull_normal", "bull_normal",
        "high_vol_stress", "high_vol_stress", "crisis_opportunity",
    ]  # fmt: skip


def test_weak_breadth_shifts_the_regime(desktop: Desktop) -> None:
    assert desktop.open(vix=18, t2108=15, momentum_ratio=0.5)["regime"] == "high_vol_stress"


def test_legacy_levels_without_history(legacy: Desktop) -> None:
    opened = legacy.open(vix=40, true_range=2)
    assert (opened["stop_level"], opened["profit_targets"]) == (88, [115, 128, 145])
    assert opened["expected_hold_days"] == 3


def test_a_vix_jump_between_sessions_scales_legacy_levels_once(legacy: Desktop) -> None:
    legacy.open("MSFT", vix=18, t2108=45, true_range=2)
    legacy.clock.jump(TUESDAY)
    opened = legacy.open(vix=40, t2108=45, true_range=2)
    assert opened["stop_level"] == D("80.32")
    assert opened["profit_targets"] == [D("119.8"), D("136.96"), D("159.4")]
    assert opened["regime_transition_detected"] is True
    assert opened["market_adjustments"] != ""
    again = legacy.open("IBM", vix=40, t2108=45, true_range=2)
    assert again["stop_level"] == D("80.32"), "which symbol comes first does not matter"


def test_a_vix_jump_between_sessions_scales_standard_levels(desktop: Desktop) -> None:
    desktop.open("MSFT", vix=18, t2108=45, true_range=2)
    desktop.clock.jump(TUESDAY)
    opened = desktop.open(vix=40, t2108=45, true_range=2)
    assert (opened["regime"], opened["stop_level"]) == ("crisis_opportunity", D("82.9"))
    assert opened["profit_targets"] == [D("121.4"), D("137.45"), D("153.5")]


def test_a_collapse_of_breadth_shortens_the_hold(legacy: Desktop) -> None:
    market = {"t2108": 45.2, "momentum_ratio": 1.15, "true_range": 2}
    legacy.open("MSFT", vix=20.5, **market)
    legacy.clock.jump(TUESDAY)
    opened = legacy.open(vix=45, t2108=15, momentum_ratio=0.75, true_range=8.5)
    assert opened["stop_level"] == D("87.9334")
    assert opened["profit_targets"] == [D("116.0055"), D("125.6088"), D("138.4132")]
    assert opened["expected_hold_days"] == 1


def test_breadth_moves_the_stop_distance(desktop: Desktop) -> None:
    for t2108, stop in ((10, "93.6"), (45, "92"), (70, "90.4")):
        opened = desktop.open(f"T{t2108}", t2108=t2108, true_range=2, position_size=1)
        assert opened["stop_level"] == D(stop)
    for t2108, stop in ((45, "92.8"), (10, "94.24")):
        opened = desktop.open(f"W{t2108}", vix=25, t2108=t2108, true_range=5, position_size=1)
        assert opened["stop_level"] == D(stop)


@pytest.mark.parametrize(
    ("size", "sold", "pnl"), [(100, [50, 50, 100], "0.2925"), (13.3, [33, 33, 67], "0.2933082707")]
)
def test_one_bar_through_all_targets(
    desktop: Desktop, size: float, sold: list[int], pnl: str
) -> None:
    opened = desktop.open(true_range=2, position_size=size)
    assert opened["sizing"]["shares"] == sum(sold)
    update = desktop.bar(149, high=150, low=99)
    assert names(update) == [f"PROFIT_TAKING_LEVEL_{level}" for level in (1, 2, 3)]
    assert [action["quantity"] for action in update["actions"]] == sold
    assert [action["price"] for action in update["actions"]] == [112, 125, 140]
    assert [action["profit_pct"] for action in update["actions"]] == [12, 25, 40]
    assert update["position_status"] == "CLOSED"
    assert (update["realized_pnl"], update["final_pnl"]) == (D(pnl), D(pnl))
    assert (update["remaining_position"], update["current_pnl"]) == (0, None)
    assert desktop.cash() == 100_000 + sum(s * p for s, p in zip(sold, (12, 25, 40), strict=True))
    closed = desktop.rows(opened["id"])[-1]
    assert (closed["reason"], closed["profit_levels_hit"]) == ("profit_taking_complete", 3)


@pytest.mark.parametrize(("opening", "price", "pnl"), [(95, 92, "-0.08"), (88, 88, "-0.12")])
def test_a_stop_fills_at_its_price_or_at_the_gap(
    desktop: Desktop, opening: float, price: int, pnl: str
) -> None:
    desktop.open(true_range=2)
    desktop.clock.jump(TUESDAY)
    update = desktop.bar(86, open=opening, high=101, low=85)
    (stop,) = update["actions"]
    assert (
        stop.items()
        >= {
            "action": "STOP_LOSS_EXECUTED",
            "price": price,
            "position_closed": 100,
            "pnl": D(pnl),
            "pnl_pct": D(pnl) * 100,
            "quantity": 200,
            "reason": "stop_loss_triggered",
        }.items()
    )
    assert (update["position_status"], update["days_held"]) == ("CLOSED", 1)
    assert desktop.ask("GET", "/positions") == {}


def test_a_crisis_never_widens_a_live_stop(desktop: Desktop) -> None:
    desktop.open(true_range=2)
    desktop.clock.jump(TUESDAY)
    update = desktop.bar(101, vix=36)
    adjustment = next(a for a in update["actions"] if a["action"] == "REGIME_ADJUSTMENT")
    assert adjustment["suppressed_widening"] is True
    assert (adjustment["old_stop"], adjustment["new_stop"]) == (92, 92)
    assert (adjustment["old_regime"], adjustment["new_regime"]) == (
        "bull_normal",
        "crisis_opportunity",
    )
    assert update["stop_level"] == 92


@pytest.mark.parametrize(("close", "stop"), [(103, "93.6"), (94, "92.12")])
def test_stress_tightens_the_stop_and_pulls_targets_in(
    desktop: Desktop, close: float, stop: str
) -> None:
    desktop.open(true_range=2)
    desktop.clock.jump(TUESDAY)
    update = desktop.bar(close, vix=25)
    assert update["stop_level"] == D(stop)
    shown = desktop.ask("GET", "/positions/AAPL")
    assert shown["profit_levels"] == [D("109.6"), 120, 132]
    assert shown["current_regime"] == "high_vol_stress"
    again = desktop.bar(close + 1, vix=25)
    assert names(again) == [], "an adjustment is applied once per session"


def test_three_real_sessions_stop_the_trade_on_the_third(desktop: Desktop) -> None:
    opened = desktop.open(price=45.66, vix=15.43, true_range=1.35)
    assert opened["stop_level"] == D("42.0072")
    assert opened["profit_targets"] == [D("51.1392"), D("57.075"), D("63.924")]
    bars = ((44.65, 43.30, 44.65), (46.01, 43.33, 43.57), (44.28, 41.70, 42.62))
    for day, (high, low, close) in zip((TUESDAY, WEDNESDAY, THURSDAY), bars, strict=True):
        assert desktop.ask("GET", "/positions") != {}
        desktop.clock.jump(day)
        update = desktop.bar(close, high=high, low=low)
    assert names(update) == ["STOP_LOSS_EXECUTED"]
    assert (update["actions"][0]["price"], update["final_pnl"]) == (D("42.0072"), D("-0.08"))


def test_stress_sizes_by_risk(desktop: Desktop) -> None:
    sizing = desktop.open(price=150, vix=25, true_range=2.5)["sizing"]
    assert (sizing["shares"], sizing["binding"]) == (125, "risk_per_trade")


def test_a_bar_without_a_close_leaves_the_trade_alone(desktop: Desktop) -> None:
    desktop.open()
    before = desktop.ask("GET", "/positions/AAPL")
    body = {"symbol": "AAPL", "current_price_data": {}}
    assert refused(desktop.client.put("/positions/update", json=body)) == (400, "missing_close")
    assert desktop.ask("GET", "/positions/AAPL") == before


def test_the_same_bar_twice_is_a_replay_also_after_it_closed_the_trade(desktop: Desktop) -> None:
    opened = desktop.open(true_range=2)
    first = desktop.bar(103, high=104, low=99)
    events = len(desktop.events(opened["id"]))
    again = desktop.bar(103.0, high=104.00, low=99)
    assert again == {**first, "replayed": True}
    assert len(desktop.events(opened["id"])) == events
    desktop.clock.jump(TUESDAY)
    stopped = desktop.bar(90, high=101, low=89, vix=19)
    assert stopped["position_status"] == "CLOSED"
    cash = desktop.cash()
    assert desktop.bar(90, high=101, low=89, vix=19) == {**stopped, "replayed": True}
    assert desktop.cash() == cash
    other = {"symbol": "AAPL", "current_price_data": {"close": 91}}
    answer = desktop.client.put("/positions/update", json=other)
    assert refused(answer) == (404, "position_not_found")


def test_a_price_that_returns_is_the_mark_again(desktop: Desktop) -> None:
    desktop.open(true_range=2)
    for close in (103, 104, 103):
        told = desktop.bar(close)
        assert (told["replayed"], told["current_pnl"]) == (False, D(close) / 100 - 1)
        assert desktop.ask("GET", "/positions/AAPL")["current_price"] == close
    assert desktop.bar(103)["replayed"] is True


def test_a_bar_of_before_a_close_by_hand_is_no_replay(desktop: Desktop) -> None:
    desktop.open(true_range=2)
    desktop.bar(103)
    desktop.ask("POST", "/positions/AAPL/close", {"price": 103, "fraction": 0.5})
    told = desktop.bar(103)
    assert (told["replayed"], told["remaining_position"]) == (False, 50)
    desktop.ask("POST", "/positions/AAPL/close", {"price": 103})
    body = {"symbol": "AAPL", "current_price_data": {"close": 103}}
    answer = desktop.client.put("/positions/update", json=body)
    assert refused(answer) == (404, "position_not_found")


@pytest.mark.parametrize("is_sent", [True, False])
def test_another_configured_profile_leaves_open_trades_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_sent: bool
) -> None:
    with desktop_service(tmp_path, monkeypatch, LEGACY) as before:
        opened = before.open(vix=25, true_range=2)
        assert (opened["regime"], opened["stop_level"]) == ("bull_normal", 92)
        clock = before.clock
    with desktop_service(tmp_path, monkeypatch, {}, clock) as after:
        clock.jump(TUESDAY)
        told = after.bar(101, **({"vix": 25} if is_sent else {}))
        assert (told["actions"], told["stop_level"]) == ([], 92)
        assert after.ask("GET", "/positions/AAPL")["current_regime"] == "bull_normal"
        assert after.open("MSFT", vix=25, true_range=2)["regime"] == "high_vol_stress"


def test_days_held_are_sessions_and_end_the_trade(desktop: Desktop) -> None:
    desktop.clock.jump("2026-01-05T15:00:00Z")
    opened = desktop.open(true_range=2, opened_at="2025-07-02T15:00:00Z")
    assert opened["expected_hold_days"] == 3
    for day in ("2025-07-02", "2025-07-03", "2025-07-07"):
        assert desktop.bar(101, as_of=day)["actions"] == []
        assert desktop.bar(101.5, as_of=day)["actions"] == []
    answer = desktop.client.put(
        "/positions/update",
        json={"symbol": "AAPL", "current_price_data": {"close": 101}, "as_of": "2025-07-04"},
    )
    assert refused(answer) == (400, "not_a_trading_day")
    last = desktop.bar(102, as_of="2025-07-08")
    (exit_,) = last["actions"]
    assert (exit_["action"], exit_["reason"]) == ("TIME_BASED_EXIT", "max_hold_days_3_reached")
    assert (exit_["price"], exit_["ts"], last["days_held"]) == (
        102,
        "2025-07-08T20:00:00.000000Z",
        3,
    )


def _says_its_result(update: dict[str, Any]) -> None:
    """Every action has the published four; a moved level shows the trade as the answer does."""
    assert all(
        {"ts", "quantity", "pnl_pct", "pnl_amount"} <= row.keys() for row in update["actions"]
    )
    moved = update["actions"][-1]
    assert moved["pnl_amount"] == update["pnl_amount"]
    assert moved["pnl_pct"] == update["total_pnl"] * 100


def test_targets_raise_the_stop_to_break_even_and_then_trail(desktop: Desktop) -> None:
    desktop.open(true_range=2)
    desktop.clock.jump(TUESDAY)
    first = desktop.bar(112.5, high=113, low=101)
    assert names(first) == ["PROFIT_TAKING_LEVEL_1", "BREAKEVEN_STOP"]
    _says_its_result(first)
    assert first["stop_level"] == 100
    desktop.clock.jump(WEDNESDAY)
    second = desktop.bar(124, high=126, low=112)
    assert names(second) == ["PROFIT_TAKING_LEVEL_2", "TRAILING_STOP_MOVED"]
    _says_its_result(second)
    assert second["stop_level"] == D("122.4")
    assert second["remaining_position"] == 50


def test_a_running_session_has_no_time_exit_and_intervals_use_moved_levels(
    desktop: Desktop,
) -> None:
    desktop.open(true_range=2)
    desktop.clock.jump(THURSDAY)
    assert names(desktop.bar(101, final=False)) == []
    moved = desktop.bar(112.5, high=113, low=101, final=False, bar="interval")
    assert names(moved) == ["PROFIT_TAKING_LEVEL_1", "BREAKEVEN_STOP"]
    stopped = desktop.bar(99.5, final=False, bar="interval")
    assert names(stopped) == ["STOP_LOSS_EXECUTED"]
    assert stopped["actions"][0]["price"] == D("99.5"), "the interval opened below the moved stop"


def test_a_row_of_long_ago_is_no_transition(desktop: Desktop) -> None:
    desktop.open("MSFT", vix=30, true_range=2, position_size=1)
    desktop.clock.jump("2026-01-14T15:00:00Z")
    opened = desktop.open(vix=18, true_range=2)
    assert (opened["regime_transition_detected"], opened["market_adjustments"]) == (False, "")


def test_a_collapse_of_breadth_is_an_emergency_with_an_alert(desktop: Desktop) -> None:
    opened = desktop.open(t2108=45, true_range=2)
    desktop.clock.jump(TUESDAY)
    update = desktop.bar(101, vix=19, t2108=10)
    assert names(update) == ["EMERGENCY_PROTOCOL", "REGIME_ADJUSTMENT"]
    assert update["actions"][0]["protocol"] == "breadth_collapse"
    for row in (*update["actions"], *desktop.rows(opened["id"])[-2:]):
        assert (row["pnl_pct"], row["pnl_amount"]) == (1, opened["sizing"]["shares"])
    types = [event["type"] for event in desktop.events(opened["id"])]
    assert types[-4:] == [
        "price_evaluated", "emergency_protocol", "alert_raised", "regime_adjustment",
    ]  # fmt: skip


def test_overrides_of_the_owner_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = {"regime_overrides": {"disable_transitions": True, "emergency_protocols": False}}
    with desktop_service(tmp_path / "frozen", monkeypatch, frozen) as desktop:
        desktop.open(t2108=45, true_range=2)
        desktop.clock.jump(TUESDAY)
        assert names(desktop.bar(101, vix=36, t2108=10)) == []
    forced = {"regime_overrides": {"force_regime": "crisis_opportunity"}}
    with desktop_service(tmp_path / "forced", monkeypatch, forced) as desktop:
        opened = desktop.open(vix=13, true_range=2)
        assert (opened["regime"], opened["stop_level"]) == ("crisis_opportunity", 85)


def test_canonical_codes_are_those_of_the_versioned_api(desktop: Desktop) -> None:
    body = {"ticker": "AAPL", "plan": {"kind": "regime_exit", "entry_price": 150}}
    answer = desktop.client.post("/api/v1/positions", json=body)
    assert refusal(answer) == (400, "vix_required")

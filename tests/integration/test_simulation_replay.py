"""Replayed candles: bars are visible only at their close, and the same candles give the same
trades, whatever the speed and however the turns fall.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from application.ports.candles import SeriesFacts
from domain.market.candle import SeriesKey, candles_from
from domain.market.merging import OnConflict
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.market_data.parquet_store import ParquetCandleStore
from infrastructure.persistence.store import SqlStore
from tests.support.market import HOUR_MS, NOW, calendar_folder
from tests.support.portfolio import refusal
from tests.support.simulation import BTC, PaperAccount, paper_account, with_tick

D = Decimal
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
KEY = SeriesKey("imported", BTC, "1h")
START = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperAccount]:
    with paper_account(tmp_path, monkeypatch) as made:
        yield made


def store_bars(
    account: PaperAccount, folder: Path, bars: list[tuple[float, ...]], key: SeriesKey = KEY
) -> None:
    """Hourly bars (open, high, low, close) from `FIRST` on."""
    opens = int(FIRST.timestamp() * 1000) + np.arange(len(bars), dtype=np.int64) * HOUR_MS
    columns: dict[str, Any] = {
        name: np.array([bar[index] for bar in bars])
        for index, name in enumerate(("open", "high", "low", "close"))
    }
    rows = candles_from(
        {
            "open_time": opens,
            "close_time": opens + HOUR_MS,
            **columns,
            "volume": np.full(len(bars), 1.0),
        }
    )
    store = account.store
    assert isinstance(store, SqlStore)
    candles = ParquetCandleStore(folder, store, ArrayCalendars(calendar_folder()))
    candles.merge(key, rows, SeriesFacts(calendar="24/7", fetched_at=NOW), OnConflict.REJECT)


def play(account: PaperAccount, hours: float, speed: int = 3600) -> None:
    """Let the wall clock pass so that the replay stands `hours` after its beginning."""
    at = START + timedelta(seconds=hours * 3600 / speed) + timedelta(milliseconds=20)
    account.clock.jump(at.isoformat().replace("+00:00", "Z"))
    account.engine.turn()


def replaying(account: PaperAccount, speed: int = 3600) -> dict[str, Any]:
    account.clock.jump("2026-01-05T15:00:00Z")
    return account.start("replay", replay={"dataset": KEY.id, "speed": speed})


def test_a_bar_that_touches_both_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with paper_account(tmp_path, monkeypatch, simulation_min_reward_risk=0) as account:
        with_tick(account, "0.01")
        stop_before_target(account, tmp_path)


def stop_before_target(account: PaperAccount, tmp_path: Path) -> None:
    store_bars(
        account, tmp_path,
        [(100, 100, 100, 100), (100, 100, 100, 100), (101, 111, 94, 100), (100, 100, 100, 100)],
    )  # fmt: skip
    account.costs("0", "0.0001")
    replaying(account)
    play(account, 1)
    order = account.order("BUY", 1, stop_loss=95, take_profit=110)
    assert order["status"] == "working"
    play(account, 2)
    assert account.one_order(order["id"])["status"] == "filled"
    play(account, 3)
    stop, target = (account.one_order(child) for child in order["children"])
    assert stop["avg_fill_price"] == D("94.99")
    assert (target["status"], target["reason"]) == ("cancelled", "oco")


def test_a_bar_is_visible_only_at_its_close(account: PaperAccount, tmp_path: Path) -> None:
    store_bars(account, tmp_path, [(100, 101, 99, 100), (200, 201, 199, 200)])
    assert replaying(account)["replay"]["dataset"] == KEY.id
    account.engine.turn()
    refused = account.submit("BUY", 1)
    assert refused.json()["context"]["reason"] == "no_price"
    play(account, 0.99)
    assert account.get("/status")["price_pairs"] == [BTC]
    order = account.order("BUY", 1)
    assert order["status"] == "working"
    play(account, 1.5)
    assert account.one_order(order["id"])["status"] == "working"
    play(account, 2)
    assert account.one_order(order["id"])["avg_fill_price"] > 200
    status = account.get("/status")
    assert (status["feed_status"], status["replay"]["ended"]) == ("replay_ended", True)


def test_one_turn_or_many_give_the_same_trades(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(7)
    closes = 100 * np.cumprod(1 + rng.normal(0, 0.02, 60))
    bars = [
        (float(o), float(max(o, c) * 1.01), float(min(o, c) * 0.99), float(c))
        for o, c in zip([100.0, *closes[:-1]], closes, strict=True)
    ]
    bars = [tuple(round(p, 4) for p in bar) for bar in bars]

    def trades(name: str, turns: list[float]) -> tuple[list[tuple[object, ...]], object]:
        folder = tmp_path / name
        folder.mkdir()
        with paper_account(folder, monkeypatch) as made:
            store_bars(made, folder, bars)
            replaying(made)
            play(made, 1)
            made.order("BUY", 10, stop_loss=85, take_profit=160)
            made.order("SELL", 4, order_type="trailing_stop", trail_fraction=0.04)
            made.order("BUY", 5, order_type="limit", price=95)
            made.order("SELL", 3, order_type="stop", stop_price=97, reduce_only=True)
            for hours in turns:
                play(made, hours)
            performance = made.get("/performance"), made.get("/equity", days=1)["equity"]
            return [
                (o["side"], o["order_type"], o["qty"], o["status"], o["reason"],
                 o["filled_qty"], o["avg_fill_price"], o["fees"])
                for o in made.orders()
            ], performance  # fmt: skip

    at_once = trades("once", [60])
    step_by_step = trades("steps", [float(hour) for hour in range(2, 61)])
    assert at_once == step_by_step
    assert sum(row[3] == "filled" for row in at_once[0]) >= 2


def test_a_stopped_replay_goes_on_where_it_stopped(account: PaperAccount, tmp_path: Path) -> None:
    store_bars(account, tmp_path, [(p, p, p, p) for p in (100.0, 101.0, 102.0, 103.0)])
    replaying(account)
    play(account, 2)
    account.post("/stop")
    account.clock.jump("2026-01-06T00:00:00Z")
    account.engine.turn()
    assert account.post("/start").json()["replay"]["played_to"] == "2024-01-01T02:00:00Z"
    account.engine.turn()
    account.clock.jump("2026-01-06T00:00:01.5Z")
    account.engine.turn()
    assert account.get("/status")["replay"]["played_to"] == "2024-01-01T03:00:00Z"


def test_a_replay_needs_a_stored_series(account: PaperAccount) -> None:
    missing = account.post(
        "/start", {"price_source": "replay", "replay": {"dataset": "imported:X:1d:raw"}}
    )
    assert refusal(missing) == (404, "unknown_series")
    assert refusal(account.post("/start", {"price_source": "replay"})) == (422, "invalid_request")
    unused = account.post("/start", {"price_source": "manual", "replay": {"dataset": "x"}})
    assert refusal(unused) == (422, "invalid_request")
    assert account.get("/status")["running"] is False


def test_the_clock_stands_at_the_last_bar_once_the_candles_have_ended(
    account: PaperAccount, tmp_path: Path
) -> None:
    store_bars(account, tmp_path, [(p, p, p, p) for p in (100.0, 101.0, 102.0, 103.0)])
    account.costs("0", "0")
    replaying(account)
    play(account, 2)
    account.order("BUY", 1, stop_loss=90)
    account.post("/stop")
    account.start("replay", replay={"dataset": KEY.id, "speed": 10_000_000})
    for day in (6, 7, 8):
        account.clock.jump(f"2026-01-{day:02}T15:00:00Z")
        account.engine.turn()
    status = account.get("/status")
    assert status["feed_status"] == "replay_ended"
    assert status["replay"]["played_to"] == "2024-01-01T04:00:00Z"
    assert status["unprotected_positions"] == [BTC]
    assert status["last_tick_at"].startswith("2026-01-06T15:00:00")
    assert account.get("/portfolio")["total_value"] == 10_001
    assert account.get("/performance")["total_trades"] == 0
    for resolution in ("stored", "recent"):
        curve = account.get("/equity", resolution=resolution)
        assert curve["at"][-1] == "2024-01-01T04:00:00Z"
        assert len(curve["at"]) == len(set(curve["at"]))
    for refused in (account.submit("BUY", 1), account.close()):
        assert refusal(refused) == (422, "risk_rejected")
        assert refused.json()["context"]["reason"] == "price_stale"


def test_a_replay_never_begins_while_something_rests_or_is_held(
    account: PaperAccount, tmp_path: Path
) -> None:
    store_bars(account, tmp_path, [(100, 100, 100, 100), (100, 100, 100, 100)])
    play_it = {"price_source": "replay", "replay": {"dataset": KEY.id, "speed": 1}}
    account.start()
    account.quote(50, "ETH")
    account.order("BUY", 1, symbol="ETH")
    resting = account.order("BUY", 1, symbol="ETH", order_type="limit", price=40)
    account.post("/stop")
    before = account.get("/status")
    refused = account.post("/start", play_it)
    assert refusal(refused) == (409, "run_not_flat")
    assert refused.json()["context"]["symbols"] == ["ETH-USDT-PERP"]
    assert account.get("/status") == before
    account.start("manual")
    assert account.close("ETH").status_code == 201
    account.post("/stop")
    assert refusal(account.post("/start", play_it)) == (409, "run_not_flat")
    account.client.delete(f"/api/v1/simulation/orders/{resting['id']}")
    assert account.post("/start", play_it).json()["feed_status"] == "replaying"


def test_what_a_replay_left_is_matched_by_prices_of_now(
    account: PaperAccount, tmp_path: Path
) -> None:
    store_bars(account, tmp_path, [(p, p, p, p) for p in (100.0, 100.0, 100.0)])
    account.costs("0", "0")
    replaying(account)
    play(account, 1)
    held = account.order("BUY", 1, stop_loss=95)
    of_the_day = account.order("BUY", 1, order_type="limit", price=96, time_in_force="day")
    play(account, 3)
    account.post("/stop")
    account.start()
    account.quote(94)
    assert account.one_order(held["children"][0])["avg_fill_price"] == 94
    assert account.one_order(of_the_day["id"])["status"] == "expired"


@pytest.mark.parametrize(("symbol", "trades"), [("SPX", True), ("IXIC", True), ("VIX", False)])
def test_an_index_trades_in_a_replay_of_its_whole_bars(
    account: PaperAccount, tmp_path: Path, symbol: str, trades: bool
) -> None:
    key = SeriesKey("imported", symbol, "1h")
    store_bars(account, tmp_path, [(100, 101, 99, 100)] * 3, key)
    account.start("replay", replay={"dataset": key.id, "speed": 3600})
    play(account, 1)
    sent = account.submit("BUY", 1, symbol)
    if not trades:
        assert refusal(sent) == (422, "not_tradable")
        return
    assert sent.status_code == 201, sent.text
    assert refusal(account.submit("BUY", 1, "VIX")) == (422, "not_tradable")
    play(account, 3)
    account.post("/stop")
    account.start("manual")
    account.quote(100, symbol)
    assert refusal(account.submit("BUY", 1, symbol)) == (422, "not_tradable")
    assert account.submit("SELL", 1, symbol, reduce_only=True).status_code == 201
    assert account.positions() == {}


def test_a_candle_below_one_tick_matches_nothing(account: PaperAccount, tmp_path: Path) -> None:
    with_tick(account, "0.01")
    store_bars(account, tmp_path, [(0.004, 0.004, 0.004, 0.004)] * 3)
    replaying(account)
    play(account, 1)
    refused = account.submit("BUY", 1)
    assert refused.json()["context"]["reason"] == "price_below_tick"

"""Runs of the simulation over HTTP: status, start, stop, reset, archive, restart, isolation."""

import hashlib
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from tests.support.portfolio import HttpBook, exact, refusal
from tests.support.simulation import BTC, START, PaperAccount, paper_account

D = Decimal
MAIN_TABLES = (
    "accounts", "positions", "orders", "fills", "transfers", "balances", "cash_flows",
    "evaluations", "dividends", "entitlements", "splits", "applied_splits", "instruments",
)  # fmt: skip


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperAccount]:
    with paper_account(tmp_path, monkeypatch) as made:
        yield made


def digests(folder: Path, *, simulation: bool) -> dict[str, str]:
    """SHA-256 of every row of each table of one book, read past the service."""
    connection = sqlite3.connect(f"file:{folder / 'ballast.db'}?mode=ro", uri=True)
    try:
        names = [
            n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        wanted = [n for n in names if n.startswith("sim_")] if simulation else MAIN_TABLES
        assert set(wanted) <= set(names)
        return {
            name: hashlib.sha256(
                repr(sorted(connection.execute(f"SELECT * FROM {name}"), key=repr)).encode()
            ).hexdigest()
            for name in wanted
        }
    finally:
        connection.close()


def trade_everything(account: PaperAccount) -> None:
    """Fills, brackets, refusals, cancels, a liquidation, an expiry, a close, a reset."""
    account.start()
    account.quote(100)
    account.order("BUY", 2, stop_loss=95, take_profit=120)
    account.order("SELL", 1)
    account.submit("BUY", 10_000)
    resting = account.order("BUY", 1, order_type="limit", price=90)
    account.client.delete(f"/api/v1/simulation/orders/{resting['id']}")
    account.order("BUY", 1, order_type="limit", price=91, time_in_force="day")
    account.quote(94)
    account.quote(50, "ETH")
    account.order("BUY", 10, symbol="ETH", leverage=20)
    account.quote(40, "ETH")
    account.quote(100)
    account.order("BUY", 1)
    assert account.close().status_code == 201
    account.post("/stop")
    account.post("/reset")


def test_the_published_bodies(account: PaperAccount) -> None:
    status = account.get("/status")
    assert set(status) >= {
        "running", "mode", "run_id", "started_at", "portfolio_value", "equity", "cash",
        "positions_count", "open_orders_count", "orders_count", "stats", "price_source",
        "price_pairs", "last_tick_at", "feed_status", "unprotected_positions",
    }  # fmt: skip
    assert set(status["stats"]) == {
        "submitted", "filled", "cancelled", "rejected", "volume_quote", "commission",
    }  # fmt: skip
    assert (status["running"], status["mode"], status["price_source"]) == (False, "paper", "live")
    assert status["feed_status"] == "not_connected"
    assert status["equity"] == status["cash"] == status["portfolio_value"] == 10000
    reset = account.client.post("/api/v1/simulation/reset")
    assert reset.status_code == 200, reset.text
    body = exact(reset)
    assert set(body) == {"run_id", "archived_run", "initial_capital"}
    assert body["archived_run"]["run_id"] == status["run_id"] != body["run_id"]
    assert set(body["archived_run"]) == {"run_id", "summary"}
    assert body["initial_capital"] == 10000


def test_volume_sums_money_and_never_quantities(account: PaperAccount) -> None:
    account.costs("0.001", "0")
    account.start()
    account.quote(100)
    account.quote(10, "ETH")
    account.order("BUY", 2)
    account.order("BUY", 30, symbol="ETH")
    stats = account.get("/status")["stats"]
    assert (stats["volume_quote"], stats["commission"]) == (500, D("0.5"))
    assert (stats["submitted"], stats["filled"]) == (2, 2)


def test_starting_and_stopping_twice_is_refused(account: PaperAccount) -> None:
    assert refusal(account.post("/stop")) == (409, "already_stopped")
    assert account.start()["running"] is True
    assert refusal(account.post("/start")) == (409, "already_running")
    assert account.post("/stop").json()["running"] is False
    assert account.post("/start").json()["price_source"] == "manual"


def test_without_a_feed_live_orders_are_refused_and_the_engine_makes_up_nothing(
    account: PaperAccount,
) -> None:
    assert account.post("/start").json()["feed_status"] == "not_connected"
    refused = account.submit("BUY", 1)
    assert refusal(refused) == (422, "risk_rejected")
    assert refused.json()["context"]["reason"] == "no_price"
    given = account.post("/prices", {"prices": [{"symbol": "BTC", "last": 1}]})
    assert refusal(given) == (409, "not_manual_source")
    account.engine.turn()
    assert account.get("/status")["price_pairs"] == []


@pytest.mark.parametrize(
    ("price", "code"),
    [
        ({"symbol": "BTC"}, "invalid_request"),
        ({"symbol": "BTC", "bid": 2, "ask": 1}, "inconsistent_price"),
        ({"symbol": "BTC", "last": 0}, "invalid_request"),
        ({"symbol": "BTC", "last": 1, "ts": "2027-01-05T15:00:00Z"}, "invalid_request"),
        ({"symbol": "USD-JPY", "last": 1}, "currency_mismatch"),
        ({"symbol": "PEPE", "last": 0.00000001}, "price_below_tick"),
        ({"symbol": "PEPE", "bid": 0.00009, "ask": 0.0001}, "price_below_tick"),
    ],
)
def test_impossible_prices_change_nothing(
    account: PaperAccount, price: dict[str, Any], code: str
) -> None:
    account.start()
    account.quote(100)
    before = account.get("/portfolio")
    good = {"symbol": "BTC", "last": 90}
    assert refusal(account.post("/prices", {"prices": [good, price]})) == (422, code)
    assert account.get("/portfolio") == before


def test_an_older_price_changes_nothing(account: PaperAccount) -> None:
    account.start()
    account.quote(100)
    late = account.prices(last=50, ts="2026-01-05T14:00:00Z")
    assert (late["applied"], late["ignored"]) == (0, 1)


def test_a_reset_archives_everything_and_starts_flat(account: PaperAccount) -> None:
    account.start()
    account.quote(100)
    account.order("BUY", 3, order_type="limit", price=90)
    account.order("BUY", 1)
    account.quote(110)
    old = account.get("/status")
    orders = account.orders()
    done = account.post("/reset", {"initial_capital": 5000}).json()
    new = account.get("/status")
    assert (new["running"], new["equity"], new["orders_count"]) == (False, 5000, 0)
    assert account.positions() == {} and account.orders() == []
    kept = account.get(f"/runs/{old['run_id']}")
    assert (kept["status"], kept["summary"]["open_positions"]) == ("archived", 1)
    assert kept["summary"]["equity"] == old["equity"]
    archived = account.get("/orders", run_id=old["run_id"])["items"]
    assert [o["id"] for o in archived] == [o["id"] for o in orders]
    assert (archived[0]["status"], archived[0]["reason"]) == ("cancelled", "run_archived")
    assert [run["run_id"] for run in account.get("/runs")["items"]] == [
        old["run_id"], done["run_id"],
    ]  # fmt: skip
    assert refusal(account.client.get("/api/v1/simulation/runs/sim_run_x")) == (
        404, "run_not_found",
    )  # fmt: skip


@pytest.mark.parametrize("capital", [99, 1_000_000_001])
def test_a_capital_out_of_range_is_refused(account: PaperAccount, capital: int) -> None:
    before = account.get("/status")["run_id"]
    refused = account.post("/reset", {"initial_capital": capital})
    assert refusal(refused) == (422, "invalid_request")
    assert account.get("/status")["run_id"] == before


def test_a_full_simulation_leaves_the_main_book_as_it_was(
    account: PaperAccount, tmp_path: Path
) -> None:
    book = HttpBook(account.client)
    position = book.cell("ZIM", qty=0, cash=5000)
    book.fill(book.order(position, "BUY", 1), 20, 1)
    before = digests(tmp_path, simulation=False)
    trade_everything(account)
    assert digests(tmp_path, simulation=False) == before


def test_the_main_book_leaves_the_simulation_as_it_was(
    account: PaperAccount, tmp_path: Path
) -> None:
    trade_everything(account)
    before = digests(tmp_path, simulation=True)
    book = HttpBook(account.client)
    position = book.cell("ZIM", qty=5, cash=5000)
    book.fill(book.order(position, "BUY", 1), 20, 1)
    main = next(
        a for a in account.client.get("/api/v1/accounts").json()["items"] if a["name"] == "main"
    )
    book.keyed(f"/accounts/{main['id']}/deposits", {"amount": 10})
    assert digests(tmp_path, simulation=True) == before


def test_the_simulation_account_is_served_and_guarded(account: PaperAccount) -> None:
    account.start()
    account.quote(100)
    account.order("BUY", 1)
    book = HttpBook(account.client)
    accounts = {a["name"]: a for a in exact(book.get("/accounts"))["items"]}
    mine = accounts["simulation"]
    assert (mine["book"], mine["settlement"], mine["base_currency"]) == (
        "simulation", "margin", "USDT",
    )  # fmt: skip
    assert (mine["calendar"], mine["starting_equity"], mine["leverage_default"]) == (
        "24/7",
        10000,
        1,
    )
    assert (mine["commission_rate"], mine["slippage"]) == (D("0.001"), D("0.0001"))
    assert accounts["main"]["book"] == "main"
    assert mine["equity"] == account.get("/portfolio")["total_value"]
    balances = exact(book.get(f"/accounts/{mine['id']}/balances"))
    assert set(balances["sums"].values()) == {0}
    kinds = {t["kind"] for t in book.get(f"/accounts/{mine['id']}/ledger").json()["items"]}
    assert {"deposit", "margin", "fee", "trade_asset"} <= kinds
    deposit = book.keyed(f"/accounts/{mine['id']}/deposits", {"amount": 10})
    assert refusal(deposit) == (409, "simulation_account")
    cell = book.post("/positions", {"ticker": "ZIM", "qty": 0, "cash": 1, "account_id": mine["id"]})
    assert refusal(cell) == (409, "simulation_account")
    renamed = book.client.patch(
        f"/api/v1/accounts/{mine['id']}", json={"name": "x"}, headers={"If-Match": '"1"'}
    )
    assert refusal(renamed) == (409, "account_name_is_fixed")
    for kept in accounts.values():
        gone = book.client.delete(f"/api/v1/accounts/{kept['id']}")
        assert refusal(gone) == (405, "method_not_allowed")


def test_a_restart_keeps_everything_and_stays_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = ("/portfolio", "/positions", "/orders", "/trades")
    with paper_account(tmp_path, monkeypatch) as first:
        first.start()
        first.quote(100)
        first.order("BUY", 2, stop_loss=95, take_profit=130)
        first.order("BUY", 1, order_type="limit", price=90)
        trail = first.order("SELL", 1, order_type="trailing_stop", trail_fraction=0.03)
        first.quote(104)
        before = {view: first.get(view) for view in views}
        run_id = first.get("/status")["run_id"]
    later = START + timedelta(hours=1)
    with paper_account(tmp_path, monkeypatch, at=later) as again:
        status = again.get("/status")
        assert (status["running"], status["run_id"]) == (False, run_id)
        assert status["unprotected_positions"] == [BTC]
        after = {view: again.get(view) for view in views}
        for item in [*before["/positions"]["items"], *after["/positions"]["items"]]:
            item.pop("is_protected")
        assert after == before
        again.start()
        again.quote("100.8")
        assert again.one_order(trail["id"])["status"] == "filled"
        assert again.positions()[BTC]["qty"] == 1


def test_autostart_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with paper_account(tmp_path, monkeypatch) as first:
        first.start()
        first.quote(100)
        first.order("BUY", 1)
    with paper_account(tmp_path, monkeypatch, simulation_autostart=True) as again:
        status = again.get("/status")
        assert (status["running"], status["price_source"]) == (True, "manual")
        assert again.positions()[BTC]["qty"] == 1


def test_figures_of_a_run(account: PaperAccount) -> None:
    empty = account.get("/performance")
    assert (empty["total_trades"], empty["win_rate"]) == (0, None)
    assert empty["reasons"]["win_rate"] == "no_trades"
    account.costs("0", "0")
    account.start()
    for day, (enter, leave) in enumerate(((100, 110), (100, 95), (100, 104)), 5):
        account.clock.jump(f"2026-01-{day:02}T12:00:00Z" if day > 5 else "2026-01-05T16:00:00Z")
        account.quote(enter)
        account.order("BUY", 10)
        account.quote(leave)
        account.order("SELL", 10)
        account.quote(leave)
    seen = account.get("/performance")
    assert (seen["total_trades"], seen["win_rate"]) == (3, D("0.6666666667"))
    assert seen["total_return"] == D("0.009")
    assert (seen["max_win"], seen["max_loss"]) == (D("0.1"), D("-0.05"))
    assert seen["profit_factor"] == D("2.8")
    assert seen["max_drawdown"] == (D(50) / D(10100)).quantize(D("1e-10"))
    assert seen["sharpe_ratio"] is None
    assert seen["reasons"]["sharpe_ratio"] == "fewer_than_5_days"
    curve = account.get("/equity")
    assert curve["equity"][-1] == 10090
    assert len({len(curve[name]) for name in ("at", "equity", "cash", "realized_pnl")}) == 1
    assert account.get("/portfolio")["daily_pnl"] == 40
    assert len(account.get("/equity", resolution="recent")["at"]) == 9


def test_a_slash_at_the_end_is_accepted(account: PaperAccount) -> None:
    for path in ("/status/", "/portfolio/", "/orders/", "/runs/"):
        assert account.client.get(f"/api/v1/simulation{path}").status_code == 200
    assert account.client.post("/api/v1/simulation/reset/").status_code == 200


def test_costs_above_one_are_refused_with_a_hint() -> None:
    for name in ("simulation_commission", "simulation_slippage", "simulation_risk_per_trade"):
        with pytest.raises(ValueError, match=r"0\.1 % is 0\.001"):
            Settings(**{name: 2})


def test_an_autostart_that_fails_keeps_nobody_from_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with paper_account(tmp_path, monkeypatch) as first:
        run_id = first.get("/status")["run_id"]
    connection = sqlite3.connect(tmp_path / "ballast.db")
    connection.execute("UPDATE sim_runs SET price_source = 'replay'")
    connection.commit()
    connection.close()
    with paper_account(tmp_path, monkeypatch, simulation_autostart=True) as again:
        assert again.get("/status")["running"] is False
        told = again.client.get("/api/v1/events", params={"aggregate_id": run_id}).json()
        assert "simulation_not_started" in [event["type"] for event in told["items"]]

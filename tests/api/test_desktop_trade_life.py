"""What else a trade can meet: closing by hand, costs, refusals, restarts, corporate actions."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path

import pytest

from application.context import RequestContext
from application.ports.unit_of_work import Store, UnitOfWork
from domain.portfolio.account import TradingState
from tests.support.desktop import AAPL_OPEN, Desktop, desktop_service, refused
from tests.support.portfolio import exact, refusal

TUESDAY, WEDNESDAY = "2026-01-06T15:00:00Z", "2026-01-07T15:00:00Z"


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    with desktop_service(tmp_path, monkeypatch) as service:
        yield service


def set_state(desktop: Desktop, state: TradingState) -> None:
    """The account's trading state, set past the API: nothing serves it yet."""
    store = desktop.client.app.state.container.get(Store)  # type: ignore[attr-defined]
    founder = store.query(lambda work: work.users.founder(), RequestContext("", "", "req_test"))
    context = RequestContext(founder.owner_id, founder.id, "req_test")

    def change(work: UnitOfWork) -> None:
        account = work.accounts.main()
        work.accounts.save(replace(account, status=state, version=account.version + 1))

    store.command(change, context).result()


def test_a_trade_is_closed_by_hand_in_parts(desktop: Desktop) -> None:
    opened = desktop.open(true_range=2, position_size=13.3)
    half = desktop.ask("POST", "/positions/AAPL/close", {"price": 110, "fraction": 0.5})
    (action,) = half["actions"]
    assert (
        action.items()
        >= {
            "action": "MANUAL_CLOSE",
            "quantity": 66,
            "price": 110,
            "pnl_amount": 660,
            "reason": "manual_close",
        }.items()
    )
    assert half["position_status"] == "ACTIVE"
    desktop.bar(109)
    rest = desktop.ask("POST", "/positions/AAPL/close", {"reason": "news"})
    assert rest["actions"][0].items() >= {"quantity": 67, "price": 109, "reason": "news"}.items()
    parts = half["actions"] + rest["actions"]
    assert rest["pnl_amount"] == sum(action["pnl_amount"] for action in parts) == 1263
    assert desktop.cash() == 100_000 + 660 + 603
    history = desktop.rows(opened["id"])
    assert [row["action"] for row in history] == [
        "POSITION_OPENED", "MANUAL_CLOSE", "MANUAL_CLOSE", "POSITION_CLOSED",
    ]  # fmt: skip
    assert (
        history[-1].items()
        >= {
            "reason": "manual_close",
            "net_pnl": 1263,
            "quantity": 133,
            "stop_triggered": False,
            "initial_risk": 1064,
        }.items()
    )
    answer = desktop.client.post("/positions/AAPL/close", json={"price": 100})
    assert refused(answer) == (404, "position_not_found")


def test_a_close_without_a_price_needs_a_mark_of_the_last_minute(desktop: Desktop) -> None:
    desktop.open()
    desktop.clock.jump("2026-01-05T15:02:00Z")
    assert refused(desktop.client.post("/positions/AAPL/close", json={})) == (400, "no_price")
    body = {"price": 100, "fraction": 0.001}
    answer = desktop.client.post("/positions/AAPL/close", json=body)
    assert refused(answer) == (400, "size_below_minimum")
    assert desktop.ask("GET", "/positions/AAPL")["quantity"] == 200


def test_a_close_needs_no_body(desktop: Desktop) -> None:
    for symbol in ("AAPL", "MSFT"):
        opened = desktop.open(symbol, true_range=2, position_size=10)
        desktop.bar(103, symbol)
        if symbol == "AAPL":
            told = desktop.ask("POST", "/positions/AAPL/close")
            assert (told["position_status"], told["remaining_position"]) == ("CLOSED", 0)
        else:
            path, header = f"/api/v1/positions/{opened['id']}/close", {"Idempotency-Key": "k"}
            assert desktop.client.post(path, headers=header).status_code == 201
    assert desktop.ask("GET", "/positions") == {}
    answer = desktop.client.post("/positions/AAPL/close")
    assert refused(answer) == (404, "position_not_found")


def test_a_symbol_with_a_slash_is_read_closed_and_deleted_by_its_path(desktop: Desktop) -> None:
    desktop.open("BRK/B", true_range=2, position_size=10)
    for path in ("/positions/BRK/B", "/positions/brk%2Fb"):
        assert desktop.ask("GET", path)["symbol"] == "BRK/B"
    answer = desktop.client.delete("/positions/BRK/B")
    assert refused(answer) == (400, "position_has_fills")
    told = desktop.ask("POST", "/positions/BRK/B/close", {"price": 101})
    assert (told["symbol"], told["position_status"]) == ("BRK/B", "CLOSED")
    assert refused(desktop.client.get("/positions/BRK/B")) == (404, "position_not_found")


@pytest.mark.parametrize("symbol", [".", "..", "A/../B", "/", "A//B", "^", "A/"])
def test_text_that_cannot_be_a_path_is_no_symbol(desktop: Desktop, symbol: str) -> None:
    answer = desktop.client.post("/positions/open", json={**AAPL_OPEN, "symbol": symbol})
    assert refused(answer) == (400, "invalid_symbol")
    path = "/positions/" + symbol.replace("/", "%2F").replace(".", "%2E")
    assert refused(desktop.client.delete(path)) == (400, "invalid_symbol")


@pytest.mark.parametrize("symbol", ["^VIX", "^GSPC", "SPX"])
def test_an_index_is_not_bought_and_may_stand_in_a_cell(desktop: Desktop, symbol: str) -> None:
    answer = desktop.client.post("/positions/open", json={**AAPL_OPEN, "symbol": symbol})
    assert refused(answer) == (400, "not_tradable")
    plan = {"kind": "regime_exit", "entry_price": 20, "market_state": {"vix": 18}}
    trade = desktop.client.post("/api/v1/positions", json={"ticker": symbol, "plan": plan})
    assert refusal(trade) == (422, "not_tradable")
    cell = desktop.client.post("/api/v1/positions", json={"ticker": symbol, "qty": 0, "cash": 100})
    assert cell.status_code == 201


def test_a_filled_trade_is_not_deleted(desktop: Desktop) -> None:
    desktop.open()
    assert refused(desktop.client.delete("/positions/AAPL")) == (400, "position_has_fills")
    assert refused(desktop.client.delete("/positions/MSFT")) == (404, "position_not_found")
    assert desktop.ask("GET", "/positions/AAPL")["quantity"] == 200


def test_costs_of_both_sides_are_in_the_size_and_in_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"execution": {"commission_rate": 0.001, "slippage_bps": 10}}
    with desktop_service(tmp_path, monkeypatch, config) as desktop:
        opened = desktop.open(true_range=2, position_size=10)
        assert opened["costs"] == {"commission_rate": D("0.001"), "slippage_bps": 10}
        assert opened["sizing"]["risk_amount"] == 100 * (8 + D("0.002") * 192)
        assert desktop.cash() == 100_000 - 10_000 - 10
        desktop.clock.jump(TUESDAY)
        stopped = desktop.bar(90, open=99, high=101, low=89)
        (action,) = stopped["actions"]
        price, fee = D("91.908"), D("9.1908")
        assert (action["price"], action["fee"]) == (price, fee)
        net = 100 * (price - 100) - fee - 10
        assert action["pnl_amount"] == net
        assert stopped["final_pnl"] == net / 10_000
        assert desktop.cash() == 100_000 + net
        closed = desktop.rows(opened["id"])[-1]
        assert (closed["net_pnl"], closed["fees"]) == (net, fee + 10)
        assert closed["total_return_pct"] == net / 100
        assert -net <= closed["initial_risk"]


def test_a_drawdown_beyond_half_of_its_limit_shrinks_the_next_trade(desktop: Desktop) -> None:
    desktop.open(true_range=2)
    desktop.clock.jump(TUESDAY)
    assert desktop.bar(50, open=50, high=51, low=49)["final_pnl"] == D("-0.5")
    sizing = desktop.open("MSFT", true_range=2)["sizing"]
    caps = {cap["name"]: cap["shares"] for cap in sizing["caps"]}
    # Drawdown 10 % of 15 %: the throttle is 1 − (0.10 − 0.075)/0.075 · 0.75 = 0.75.
    assert caps["risk_per_trade"] == 168
    assert (sizing["shares"], sizing["binding"]) == (168, "risk_per_trade")


def test_a_second_open_and_an_unknown_symbol_are_refused_in_the_desktops_shape(
    desktop: Desktop,
) -> None:
    desktop.ask("POST", "/positions/open", AAPL_OPEN)
    again = desktop.client.post("/positions/open", json=AAPL_OPEN | {"symbol": " aapl"})
    assert refused(again) == (400, "position_exists")
    canonical = {"kind": "regime_exit", "entry_price": 150, "market_state": {"vix": 18}}
    answer = desktop.client.post("/api/v1/positions", json={"ticker": "AAPL", "plan": canonical})
    assert refusal(answer) == (409, "position_exists")
    assert refused(desktop.client.get("/positions/MSFT")) == (404, "position_not_found")
    body = {"symbol": "MSFT", "current_price_data": {"close": 1}}
    answer = desktop.client.put("/positions/update", json=body)
    assert refused(answer) == (404, "position_not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"symbol": "AAPL"}, "invalid_request"),
        ({**AAPL_OPEN, "position_size": 101}, "invalid_request"),
        ({**AAPL_OPEN, "position_size": 0.5}, "invalid_request"),
        ({**AAPL_OPEN, "entry_price": -1}, "invalid_request"),
        ({**AAPL_OPEN, "entry_price": "NaN"}, "invalid_request"),
        ({**AAPL_OPEN, "market_data": {"vix": 4}}, "invalid_request"),
        ({**AAPL_OPEN, "market_data": {}}, "vix_required"),
        ({**AAPL_OPEN, "market_data": 0.5}, "invalid_request"),
        ({**AAPL_OPEN, "opened_at": "2026-01-06T15:00:00Z"}, "invalid_request"),
        ({**AAPL_OPEN, "symbol": "A B"}, "invalid_symbol"),
        ({**AAPL_OPEN, "symbol": "BTC-USDT"}, "currency_mismatch"),
        ({**AAPL_OPEN, "entry_price": 30000}, "size_below_minimum"),
        ({**AAPL_OPEN, "entry_price": 0.0001}, "invalid_plan"),
        ({**AAPL_OPEN, "leverage": 3}, "invalid_request"),
    ],
)
def test_impossible_opens_are_400_and_write_nothing(
    shared_desktop: Desktop, body: dict[str, object], code: str
) -> None:
    assert refused(shared_desktop.client.post("/positions/open", json=body)) == (400, code)
    assert shared_desktop.ask("GET", "/positions") == {}
    assert shared_desktop.cash() == 100_000


@pytest.mark.parametrize(
    ("prices", "more", "code"),
    [
        ({"close": 0}, {}, "inconsistent_bar"),
        ({"close": -5}, {}, "inconsistent_bar"),
        ({"close": 100, "low": 101}, {}, "inconsistent_bar"),
        ({"close": 100, "high": 99}, {}, "inconsistent_bar"),
        ({"close": "x"}, {}, "invalid_request"),
        ({"close": 100}, {"as_of": "2026-01-02"}, "bar_before_entry"),
        ({"close": 100}, {"as_of": "2026-01-06"}, "bar_in_future"),
        ({"close": 100}, {"as_of": "2026-01-05T23:00:00Z"}, "bar_in_future"),
        ({"close": 100}, {"market_data": {"vix": 101}}, "invalid_request"),
        ({"close": 100, "volume": 3}, {}, "invalid_request"),
    ],
)
def test_impossible_bars_are_400_and_leave_the_trade_alone(
    traded_desktop: Desktop, prices: dict[str, object], more: dict[str, object], code: str
) -> None:
    before = traded_desktop.ask("GET", "/positions/AAPL")
    body = {"symbol": "AAPL", "current_price_data": prices, **more}
    assert refused(traded_desktop.client.put("/positions/update", json=body)) == (400, code)
    assert traded_desktop.ask("GET", "/positions/AAPL") == before


def test_an_entry_before_the_calendar_is_told_by_its_instant(shared_desktop: Desktop) -> None:
    body = {**AAPL_OPEN, "opened_at": "1901-01-02T15:00:00Z"}
    answer = shared_desktop.client.post("/positions/open", json=body)
    assert refused(answer) == (400, "invalid_request")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/opened_at"]


def test_a_bar_of_a_saturday_is_of_no_trading_day(desktop: Desktop) -> None:
    desktop.open(true_range=2)
    desktop.clock.jump("2026-01-10T15:00:00Z")
    body = {"symbol": "AAPL", "current_price_data": {"close": 100}}
    for day, code in (
        ("2026-01-10", "not_a_trading_day"),
        ("2026-01-11", "bar_in_future"),
        ("2026-01-12", "bar_in_future"),
    ):
        answer = desktop.client.put("/positions/update", json={**body, "as_of": day})
        assert refused(answer) == (400, code)


def test_an_earlier_bar_is_out_of_order(desktop: Desktop) -> None:
    desktop.open()
    desktop.clock.jump(WEDNESDAY)
    desktop.bar(101)
    body = {"symbol": "AAPL", "current_price_data": {"close": 99}, "as_of": "2026-01-06"}
    answer = desktop.client.put("/positions/update", json=body)
    assert refused(answer) == (400, "bar_out_of_order")


def test_a_paused_account_refuses_with_every_check_and_keeps_the_order(desktop: Desktop) -> None:
    set_state(desktop, TradingState.PAUSED)
    answer = desktop.client.post("/positions/open", json=AAPL_OPEN)
    assert refused(answer) == (400, "risk_rejected")
    context = answer.json()["context"]
    failed = [c["code"] for c in context["checks"] if c["status"] == "failed"]
    assert failed == ["trading_state"]
    order = desktop.client.get(f"/api/v1/orders/{context['order_id']}").json()
    assert (order["status"], order["rejected_by"]) == ("rejected", "gate")
    assert desktop.ask("GET", "/positions") == {}
    set_state(desktop, TradingState.ACTIVE)
    opened = desktop.ask("POST", "/positions/open", AAPL_OPEN)
    set_state(desktop, TradingState.REDUCE_ONLY)
    desktop.clock.jump(TUESDAY)
    assert desktop.bar(130)["position_status"] == "CLOSED", "exits always pass"
    assert desktop.rows(opened["id"])[-1]["stop_triggered"] is True


def test_a_trade_survives_a_restart_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desktop_service(tmp_path, monkeypatch) as before:
        before.open(true_range=2)
        before.clock.jump(TUESDAY)
        first = before.bar(112.5, high=113, low=101)
        shown = before.ask("GET", "/positions")
        clock = before.clock
    with desktop_service(tmp_path, monkeypatch, clock=clock) as after:
        assert after.ask("GET", "/positions") == shown
        assert after.bar(112.5, high=113, low=101) == {**first, "replayed": True}
        after.clock.jump(WEDNESDAY)
        second = after.bar(124, high=126, low=112)
        assert [a["action"] for a in second["actions"]] == [
            "PROFIT_TAKING_LEVEL_2",
            "TRAILING_STOP_MOVED",
        ]
        assert second["stop_level"] == D("122.4")
        doctor = after.client.get("/api/v1/accounts").json()["items"][0]
        sums = exact(after.client.get(f"/api/v1/accounts/{doctor['id']}/balances"))["sums"]
        assert set(sums.values()) == {0}


def test_the_canonical_twin_opens_updates_protects_and_closes_in_fractions(
    desktop: Desktop,
) -> None:
    plan = {
        "kind": "regime_exit",
        "entry_price": 150,
        "market_state": {"vix": 18.5, "t2108": 45, "momentum_ratio": 1.2},
        "true_range": 2.5,
    }
    made = desktop.client.post("/api/v1/positions", json={"ticker": "AAPL", "plan": plan})
    assert made.status_code == 201, made.text
    position = exact(made)
    opening = position["opening"]
    assert (opening["applied_fraction"], opening["risk_fraction"]) == (D("0.1995"), D("0.01596"))
    assert (position["plan"]["stop"]["price"], position["qty"]) == (138, 133)
    path = f"/api/v1/positions/{position['id']}"
    bar = {"high": 155, "low": 148, "close": 153.5, "market_state": {"vix": 16.2}}
    report = exact(desktop.client.post(f"{path}/bars", json=bar))
    assert (report["current_pnl"], report["remaining_fraction"]) == (D("0.0233333333"), 1)
    assert desktop.client.post(f"{path}/bars", json=bar).json()["replayed"] is True
    tightened = desktop.client.put(f"{path}/protection", json={"stop": 145, "targets": []})
    assert tightened.json()["plan"]["stop"] == {
        "price": 145,
        "kind": "manual",
        "active_from": "2026-01-05",
    }
    lower = desktop.client.put(f"{path}/protection", json={"stop": 140})
    assert refusal(lower) == (409, "stop_widening_refused")
    order = {"side": "SELL", "qty": 1}
    by_hand = desktop.client.post(f"{path}/orders", json=order, headers={"Idempotency-Key": "o"})
    assert refusal(by_hand) == (409, "governed_by_plan")
    patch = desktop.client.patch(path, json={"plan": None}, headers={"If-Match": '"4"'})
    assert refusal(patch) == (409, "governed_by_plan")
    closed = desktop.client.post(
        f"{path}/close", json={"price": 150}, headers={"Idempotency-Key": "c"}
    )
    assert (closed.status_code, closed.json()["status"]) == (201, "filled")
    after = exact(desktop.client.get(path))
    assert (after["status"], after["qty"], after["plan"]["closed_by"]) == (
        "closed",
        0,
        "manual_close",
    )
    late = desktop.client.post(f"{path}/bars", json={"close": 151})
    assert refusal(late) == (409, "position_closed")
    types = [event["type"] for event in desktop.events(position["id"])]
    assert [t for t in types if not t.startswith("order_")] == [
        "position_opened", "price_evaluated", "config_changed", "stop_tightened",
        "manual_close", "position_closed",
    ]  # fmt: skip


def test_a_cell_is_no_trade_and_both_may_hold_a_symbol(desktop: Desktop) -> None:
    cell = desktop.client.post("/api/v1/positions", json={"ticker": "AAPL", "cash": 1000}).json()
    assert cell["opening"] is None
    answer = desktop.client.post(f"/api/v1/positions/{cell['id']}/bars", json={"close": 1})
    assert refusal(answer) == (409, "not_a_trade")
    opened = desktop.ask("POST", "/positions/open", AAPL_OPEN)
    assert opened["warnings"] == ["opposing_plans"]
    assert list(desktop.ask("GET", "/positions")) == ["AAPL"]


def test_what_is_not_known_is_said(desktop: Desktop) -> None:
    first = desktop.open("MSFT", price=100, position_size=1)
    assert first["warnings"] == ["true_range_defaulted"]
    assert first["sizing"]["warnings"] == []
    second = desktop.open("IBM", price=100, true_range=2, position_size=1)
    assert second["sizing"]["warnings"] == ["correlation_unknown"]


def test_a_split_and_a_dividend_move_the_levels_with_the_price(desktop: Desktop) -> None:
    opened = desktop.open(true_range=2, position_size=10)
    desktop.clock.jump("2026-01-06T12:00:00Z")
    dividend = {"ticker": "AAPL", "ex_date": "2026-01-06", "dps": 2}
    made = desktop.client.post("/api/v1/dividends", json=dividend).json()
    desktop.clock.jump(TUESDAY)
    desktop.client.post(f"/api/v1/dividends/{made['id']}/ex-date").raise_for_status()
    shown = desktop.ask("GET", "/positions/AAPL")
    assert (shown["stop_level"], shown["profit_levels"]) == (90, [110, 123, 138])
    desktop.clock.jump("2026-01-07T12:00:00Z")
    split = {"ticker": "AAPL", "ratio": 2, "ex_date": "2026-01-07"}
    made = desktop.client.post("/api/v1/splits", json=split).json()
    desktop.clock.jump(WEDNESDAY)
    desktop.client.post(f"/api/v1/splits/{made['id']}/apply").raise_for_status()
    shown = desktop.ask("GET", "/positions/AAPL")
    assert (shown["quantity"], shown["stop_level"]) == (200, 45)
    stopped = desktop.bar(44, open=46, high=46, low=43)
    assert stopped["actions"][0].items() >= {"price": 45, "quantity": 200}.items()
    assert stopped["final_pnl"] == D("-0.1")
    assert desktop.rows(opened["id"])[-1]["exit_price"] == 45


def test_the_first_bar_of_an_ex_date_meets_levels_without_the_dividend(desktop: Desktop) -> None:
    opened = desktop.open(true_range=2, position_size=10)
    assert opened["stop_level"] == 92
    desktop.clock.jump("2026-01-06T12:00:00Z")
    dividend = {"ticker": "AAPL", "ex_date": "2026-01-06", "dps": 5}
    desktop.client.post("/api/v1/dividends", json=dividend).raise_for_status()
    late = {"ticker": "AAPL", "ex_date": "2026-01-07", "dps": 1}
    desktop.client.post("/api/v1/dividends", json=late).raise_for_status()
    desktop.clock.jump(TUESDAY)
    told = desktop.bar(93, high=94, low=91.5)
    assert (told["actions"], told["position_status"]) == ([], "ACTIVE")
    assert told["stop_level"] == 87
    types = [event["type"] for event in desktop.events(opened["id"])]
    assert types.count("ex_div_effective") == 1
    assert types.index("ex_div_effective") < types.index("price_evaluated")
    assert desktop.bar(93, high=94, low=86.9)["actions"][0]["price"] == 87


def test_a_bar_of_the_session_before_an_ex_date_keeps_its_levels(desktop: Desktop) -> None:
    desktop.open(true_range=2, position_size=10)
    desktop.clock.jump("2026-01-06T12:00:00Z")
    dividend = {"ticker": "AAPL", "ex_date": "2026-01-06", "dps": 5}
    desktop.client.post("/api/v1/dividends", json=dividend).raise_for_status()
    assert desktop.bar(93, low=91.5, as_of="2026-01-05")["actions"][0]["price"] == 92


def test_health_and_welcome_are_as_published(desktop: Desktop) -> None:
    desktop.open()
    health = desktop.ask("GET", "/health")
    assert health.keys() == {
        "status", "timestamp", "risk_manager_initialized", "active_positions", "backend_version",
    }  # fmt: skip
    assert (health["active_positions"], health["risk_manager_initialized"]) == (1, True)
    welcome = desktop.ask("GET", "/")
    assert welcome["status"] == "running"
    assert {"message", "version", "timestamp"} <= welcome.keys()


@pytest.fixture(scope="module")
def shared_desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """A service for requests that change nothing."""
    with (
        pytest.MonkeyPatch.context() as patch,
        desktop_service(tmp_path_factory.mktemp("data"), patch) as service,
    ):
        yield service


@pytest.fixture(scope="module")
def traded_desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """A service with one open trade, for bars that are refused."""
    with (
        pytest.MonkeyPatch.context() as patch,
        desktop_service(tmp_path_factory.mktemp("data"), patch) as service,
    ):
        service.open()
        yield service


@pytest.mark.parametrize("ratio", ["0.000000000000000001", 0.0005, 150, "9" * 20])
def test_any_momentum_above_zero_decides_its_request(desktop: Desktop, ratio: object) -> None:
    opened = desktop.open(vix=14, t2108=65, momentum_ratio=ratio, true_range=2, position_size=1)
    is_strong = D(str(ratio)) > 2
    assert opened["regime"] == ("low_vol_complacency" if is_strong else "bull_normal")
    assert desktop.ask("GET", "/api/v1/market-state/history")["items"] == []
    desktop.clock.jump(TUESDAY)
    updated = desktop.bar(101, vix=18, t2108=45, momentum_ratio=ratio)
    assert updated["position_status"] == "ACTIVE"


def test_what_is_malformed_is_named_in_plain_words(desktop: Desktop) -> None:
    def fault(body: dict[str, object]) -> tuple[str, str]:
        answer = desktop.client.put("/positions/update", json={"symbol": "AAPL", **body})
        assert refused(answer) == (400, "invalid_request")
        (only,) = answer.json()["errors"]
        assert answer.json()["detail"] == f"The request does not fit its schema: {only['pointer']}."
        return only["pointer"], only["message"]

    prices = {"close": 100}
    assert fault({"current_price_data": prices, "as_of": "soon"}) == (
        "/as_of",
        "a date such as 2025-03-20, from 1970 to 2199, or an instant such as 2026-01-05T15:00:00Z",
    )
    assert fault({"current_price_data": {"close": "x"}})[0] == "/current_price_data/close"
    assert fault({"current_price_data": prices, "market_data": {"momentum_ratio": 0}}) == (
        "/market_data/momentum_ratio",
        "Input should be greater than 0",
    )

"""Performance and trade history over HTTP: empty books, closed trades, filters, hostile filters."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest
from httpx import Response

from application.context import SYSTEM, RequestContext
from application.ports.unit_of_work import Store
from domain.shared.events import NewEvent
from infrastructure.persistence.session import SqlSession
from tests.support.portfolio import exact
from tests.support.service import Service, running_service
from tests.support.trade_log import ended_cell, trade_events

D = Decimal
RATIOS = (
    "avg_return_per_trade", "avg_return_per_trade_pct", "win_rate", "win_rate_pct",
    "sharpe_ratio", "sortino_ratio", "annualized_roi", "profit_factor", "expectancy_r", "calmar",
    "recovery_days",
)  # fmt: skip


@dataclass
class Desk:
    """The desktop's paths, and the log behind them."""

    service: Service

    def get(self, path: str, **params: Any) -> Response:
        answer: Response = self.service.client.get(path, params=params)
        return answer

    def log(self, *events: NewEvent) -> None:
        owner = RequestContext(self.owner_id, "usr_test", "req_test")
        self.store.command(lambda work: work.events.append(events), owner).result(timeout=30)

    @property
    def store(self) -> Store:
        found: Store = self.service.client.app.state.container.get(Store)  # type: ignore[attr-defined]
        return found

    @property
    def account(self) -> dict[str, Any]:
        found: dict[str, Any] = self.service.get("/accounts")["items"][0]
        return found

    @property
    def owner_id(self) -> str:
        founder = self.store.query(lambda work: work.users.founder(), SYSTEM)
        assert founder is not None
        return founder.owner_id


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with running_service(tmp_path, monkeypatch) as service:
        yield Desk(service)


def test_an_empty_book_has_counts_of_zero_and_ratios_that_say_why_they_are_null(desk: Desk) -> None:
    for path in ("/performance", "/api/v1/performance"):
        found = exact(desk.get(path))
        assert (found["total_trades"], found["active_positions"]) == (0, 0)
        zeros = ("total_return_pct", "sum_return_pct", "max_win", "max_loss", "current_drawdown",
                 "max_drawdown_pct", "trade_curve_drawdown_pct", "open_pnl", "total_fees",
                 "exposure_pct", "heat_pct", "stale_days", "drawdown_days")  # fmt: skip
        assert {name: found[name] for name in zeros} == dict.fromkeys(zeros, 0)
        assert {name: found[name] for name in RATIOS} == dict.fromkeys(RATIOS)
        assert set(found["reasons"]) == set(RATIOS)
        assert found["by_regime"] == {}
        assert found["targets"] == [
            {"name": "target_roi", "target": 400, "actual": None, "met": None},
            {"name": "max_drawdown_tolerance", "target": 15, "actual": 0, "met": True},
            {"name": "min_sharpe_ratio", "target": 2, "actual": None, "met": None},
            {"name": "min_win_rate", "target": D("0.6"), "actual": None, "met": None},
        ]


def test_closed_trades_are_counted_in_percent_points(desk: Desk) -> None:
    desk.log(*trade_events(desk.account["id"]), ended_cell(desk.account["id"]))
    found = exact(desk.get("/performance"))
    assert (found["total_trades"], found["win_rate"], found["win_rate_pct"]) == (1, 1, 100)
    assert found["avg_return_per_trade"] == found["max_win"] == found["sum_return_pct"] == D("2.92")
    assert found["expectancy_r"] == D("0.365")
    assert found["total_fees"] == D("1.25")
    assert found["by_regime"] == {
        "bull_normal": {
            "trades": 1, "win_rate": 1, "avg_return_pct": D("2.92"), "sum_return_pct": D("2.92"),
        }
    }  # fmt: skip
    assert found["reasons"]["profit_factor"] == "no_losses"
    assert found["targets"][3] == {
        "name": "min_win_rate", "target": D("0.6"), "actual": 1, "met": True,
    }  # fmt: skip


def test_a_holding_without_a_price_leaves_the_figures_of_this_moment_null(desk: Desk) -> None:
    desk.service.post("/positions", {"ticker": "ZIM", "qty": 5, "cash": 0}, expect=201)
    found = exact(desk.get("/performance"))
    nulls = ("total_return_pct", "current_drawdown", "exposure_pct", "heat_pct")
    assert {name: (found[name], found["reasons"][name]) for name in nulls} == dict.fromkeys(
        nulls, (None, "no_price")
    )


def test_a_loss_of_a_cell_shows_in_the_accounts_drawdown(desk: Desk) -> None:
    cell = desk.service.post("/positions", {"ticker": "ZIM", "qty": 0, "cash": 10000}, expect=201)
    path = f"/positions/{cell['id']}"
    steps: tuple[tuple[str, dict[str, Any], int], ...] = (
        ("/orders", {"side": "BUY", "qty": 100}, 50),
        ("/close", {"price": 39}, 39),
    )
    for step, body, price in steps:
        order = desk.service.post(path + step, body, expect=201, key=step)
        fill = {"price": price, "filled_qty": 100, "commission": 0}
        desk.service.post(f"/orders/{order['order_id']}/fill", fill)
    found = exact(desk.get("/performance"))
    assert (found["total_return_pct"], found["current_drawdown"]) == (-1, -1)
    assert found["max_drawdown_pct"] == 1
    assert found["reasons"]["recovery_days"] == "not_recovered"
    account = exact(desk.get("/api/v1/accounts"))["items"][0]
    assert (account["nav"], account["drawdown"], account["equity"]) == (
        D("0.99"), D("0.01"), 108_900,
    )  # fmt: skip


def test_money_paid_in_changes_no_figure(desk: Desk) -> None:
    test_a_loss_of_a_cell_shows_in_the_accounts_drawdown(desk)
    before = exact(desk.get("/performance"))
    account_id = desk.account["id"]
    for direction, amount in (("deposits", 250_000), ("withdrawals", 300_000)):
        desk.service.post(
            f"/accounts/{account_id}/{direction}", {"amount": amount}, expect=201, key=direction
        )
    after = exact(desk.get("/performance"))
    assert {**after, "as_of": None} == {**before, "as_of": None}


def test_performance_is_asked_for_by_account(desk: Desk) -> None:
    other = desk.service.post("/accounts", {"name": "second"}, expect=201)
    desk.log(*trade_events(desk.account["id"]))
    found = desk.get("/api/v1/performance", account_id=other["id"]).json()
    assert (found["account_id"], found["total_trades"]) == (other["id"], 0)
    missing = desk.get("/api/v1/performance", account_id="acc_none")
    assert (missing.status_code, missing.json()["code"]) == (404, "account_not_found")


def test_the_history_is_a_bare_array_oldest_first(desk: Desk) -> None:
    assert desk.get("/trade-history").json() == []
    desk.log(*trade_events(desk.account["id"]), ended_cell(desk.account["id"]))
    answer = desk.get("/trade-history")
    rows = exact(answer)
    assert answer.headers["X-Total-Count"] == "3"
    assert [row["action"] for row in rows] == [
        "POSITION_OPENED", "PROFIT_TAKING_LEVEL_1", "POSITION_CLOSED",
    ]  # fmt: skip
    assert rows[0]["profit_targets"] == [112, 125, 140]
    assert rows[0]["adjustments_applied"] == "none"
    assert rows[2]["exit_price"] == D("102.92625")
    assert {row["request_id"] for row in rows} == {"req_test"}


def test_the_history_is_filtered_and_cut(desk: Desk) -> None:
    for symbol in ("AAPL", "MSFT"):
        desk.log(*trade_events(desk.account["id"], symbol, f"pos_{symbol}"))
    for params, found in (
        ({"symbol": " msft "}, 3),
        ({"action": "position_opened"}, 2),
        ({"from": "2026-01-06"}, 4),
        ({"to": "2026-01-06"}, 4),
        ({"from": "2026-01-06T15:00:00Z", "to": "2026-01-06T15:00:00Z"}, 2),
        ({"symbol": "TSLA"}, 0),
    ):
        answer = desk.get("/trade-history", **params)
        assert (len(answer.json()), answer.headers["X-Total-Count"]) == (found, str(found)), params
    cut = desk.get("/trade-history", limit=2, offset=3)
    assert [(r["symbol"], r["action"]) for r in cut.json()] == [
        ("MSFT", "POSITION_OPENED"), ("MSFT", "PROFIT_TAKING_LEVEL_1"),
    ]  # fmt: skip
    assert cut.headers["X-Total-Count"] == "6"


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 10001},
        {"limit": "NaN"},
        {"offset": -1},
        {"action": "BUY_THE_DIP"},
        {"symbol": "A B"},
        {"symbol": "'; DROP TABLE events"},
        {"from": "yesterday"},
        {"from": "2026-13-01"},
        {"to": "20260105"},
        {"from": "2026-01-05T15:00:00"},
    ],
)
def test_a_bad_filter_is_400_on_the_desktops_path_and_422_elsewhere(
    desk: Desk, params: dict[str, Any]
) -> None:
    refused = desk.get("/trade-history", **params)
    assert refused.status_code == 400, refused.text
    assert {"detail", "error", "timestamp", "path", "code"} <= set(refused.json())
    if "offset" not in params and params.get("limit") != 10001:
        assert desk.get("/api/v1/trade-history", **params).status_code == 422


def test_the_canonical_history_is_paged_by_cursor(desk: Desk) -> None:
    desk.log(*trade_events(desk.account["id"]), *trade_events(desk.account["id"], "MSFT", "pos_2"))
    whole = exact(desk.get("/trade-history"))
    seen: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = exact(desk.get("/api/v1/trade-history", limit=4, count="exact", **cursor))
        assert page["total"] == 6
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == whole
    forged = desk.get("/api/v1/trade-history", cursor="AAAA")
    assert (forged.status_code, forged.json()["code"]) == (400, "invalid_cursor")


def test_performance_takes_as_many_statements_for_many_trades_as_for_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    read = SqlSession._rows

    def counting(session: SqlSession, *given: Any) -> Any:
        # Processes of the service read beside it.
        if current_thread().name.startswith("ballast-reads"):
            counted.append(1)
        return read(session, *given)

    def statements() -> int:
        counted.clear()
        assert desk.get("/performance").status_code == 200
        return len(counted)

    monkeypatch.setattr(SqlSession, "_rows", counting)
    for ticker in ("ZIM", "ZOM"):
        body = {"ticker": ticker, "qty": 5, "cash": 10, "anchor_price": 3}
        desk.service.post("/positions", body, expect=201)
    desk.get("/performance")
    few = statements()
    for number in range(40):
        desk.log(*trade_events(desk.account["id"], "AAPL", f"pos_{number}"))
    assert statements() == few <= 10


def test_the_window_is_the_newest_ten_thousand_rows(desk: Desk) -> None:
    account_id = desk.account["id"]
    for batch in range(17):
        desk.log(
            *(
                event
                for number in range(200)
                for event in trade_events(account_id, "AAPL", f"pos_{batch}_{number}")
            )
        )
    answer = desk.get("/trade-history")
    rows = answer.json()
    assert (len(rows), answer.headers["X-Total-Count"]) == (10_000, "10200")
    first = desk.get("/trade-history", limit=1).json()
    last = desk.get("/trade-history", offset=9_999).json()
    assert (first, last) == (rows[:1], rows[-1:])

"""Figures of a run on paper, in fractions, of the current run and of archived ones."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.portfolio import refusal
from tests.support.simulation import PaperAccount, paper_account

D = Decimal


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperAccount]:
    with paper_account(tmp_path, monkeypatch) as made:
        made.costs("0", "0")
        made.start()
        made.quote(100)
        yield made


def test_a_first_day_without_a_loss_has_no_drawdown(account: PaperAccount) -> None:
    account.order("BUY", 10)
    account.quote(110)
    seen = account.get("/performance")
    assert (seen["current_drawdown"], seen["max_drawdown"], seen["drawdown_days"]) == (0, 0, 0)
    assert seen["reasons"]["recovery_days"] == "no_drawdown"


def test_a_drawdown_is_below_zero_and_counts_the_days_since_its_peak(
    account: PaperAccount,
) -> None:
    account.order("BUY", 10)
    account.quote(90)
    seen = account.get("/performance")
    assert (seen["current_drawdown"], seen["max_drawdown"]) == (D("-0.01"), D("0.01"))
    assert seen["drawdown_days"] == 0
    account.clock.jump("2026-01-07T12:00:00Z")
    account.quote(90)
    assert account.get("/performance")["drawdown_days"] == 2


def test_exposure_and_heat_say_what_is_open(account: PaperAccount) -> None:
    flat = account.get("/performance")
    assert (flat["exposure"], flat["heat"]) == (0, 0)
    account.order("BUY", 10, stop_loss=95)
    seen = account.get("/performance")
    assert seen["exposure"] == D("0.1")
    # Five to the stop and a tenth of a percent to leave, for each of ten.
    assert seen["heat"] == D("0.0051")
    account.order("BUY", 10)
    bare = account.get("/performance")
    assert (bare["exposure"], bare["heat"]) == (D("0.2"), None)
    assert bare["reasons"]["heat"] == "unprotected_without_volatility"
    account.close(body={"fraction": "0.5"})
    assert account.get("/performance")["heat"] == D("0.0051")


def test_an_archived_run_stays_readable(account: PaperAccount) -> None:
    first = account.get("/status")["run_id"]
    account.order("BUY", 10, stop_loss=95)
    account.order("SELL", 4)
    account.quote(50, "ETH")
    account.order("BUY", 1, symbol="ETH")
    before = {path: account.get(path) for path in ("/positions", "/performance")}
    account.post("/reset")
    account.start()
    account.clock.jump("2026-03-05T12:00:00Z")
    assert account.get("/positions") == {"items": []}
    assert account.get("/performance")["total_trades"] == 0
    held = account.get("/positions", run_id=first)["items"]
    assert [item["symbol"] for item in held] == ["BTC-USDT-PERP", "ETH-USDT-PERP"]
    for item, was in zip(held, before["/positions"]["items"], strict=True):
        assert item == {**was, "is_protected": False}
    after = account.get("/performance", run_id=first)
    differs = {name for name in after if after[name] != before["/performance"][name]}
    # Its orders were cancelled with it: nothing protects what it held.
    assert differs <= {"heat", "reasons"}


def test_executions_of_a_run_are_paged(account: PaperAccount) -> None:
    run_id = account.get("/status")["run_id"]
    made = [account.order(side, 1)["id"] for side in ("BUY", "SELL", "BUY")]
    account.post("/reset")
    page = account.get(f"/runs/{run_id}/fills", limit=2)
    rest = account.get(f"/runs/{run_id}/fills", limit=2, cursor=page["next_cursor"])
    fills = [*page["items"], *rest["items"]]
    assert [fill["order_id"] for fill in fills] == made
    assert (len(page["items"]), rest["next_cursor"]) == (2, None)
    assert {fill["venue"] for fill in fills} == {"paper"}
    now = account.get("/status")["run_id"]
    assert account.get(f"/runs/{now}/fills")["items"] == []


@pytest.mark.parametrize(
    "path", ["/positions?run_id=nope", "/performance?run_id=nope", "/runs/nope/fills"]
)
def test_an_unknown_run_is_not_found(account: PaperAccount, path: str) -> None:
    answer = account.client.get(f"/api/v1/simulation{path}")
    assert refusal(answer) == (404, "run_not_found")

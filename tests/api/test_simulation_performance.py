"""Figures of a run on paper, in fractions, of the current run and of archived ones."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

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

"""A protective order shows what really rests of it, and what it ended by."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.simulation import PaperAccount, paper_account

D = Decimal


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperAccount]:
    with paper_account(tmp_path, monkeypatch) as made:
        made.start()
        made.quote(100)
        yield made


def rests(order: dict[str, Any]) -> tuple[Decimal, Decimal, str, str | None]:
    return order["qty"], order["remaining_qty"], order["status"], order["reason"]


def children(account: PaperAccount, order: dict[str, Any]) -> list[dict[str, Any]]:
    return [account.one_order(child) for child in order["children"]]


def test_closing_half_cuts_the_stop_and_says_so(account: PaperAccount) -> None:
    order = account.order("BUY", 1, stop_loss=95)
    assert rests(children(account, order)[0]) == (1, 1, "working", None)
    account.close(body={"fraction": 0.5})
    stop = children(account, order)[0]
    assert rests(stop) == (1, D("0.5"), "working", "reduce_only")
    listed = next(o for o in account.orders() if o["id"] == stop["id"])
    assert listed["remaining_qty"] == D("0.5")
    account.quote(95)
    assert rests(children(account, order)[0]) == (1, 0, "cancelled", "reduce_only")
    assert children(account, order)[0]["filled_qty"] == D("0.5")


def test_netting_the_position_cuts_both_and_closing_it_ends_both(account: PaperAccount) -> None:
    order = account.order("BUY", 1, stop_loss=95, take_profit=120)
    account.order("SELL", "0.4")
    for child in children(account, order):
        assert rests(child) == (1, D("0.6"), "working", "reduce_only")
    account.close()
    for child in children(account, order):
        assert rests(child) == (1, 0, "cancelled", "reduce_only")


def test_a_child_rests_with_what_its_entry_has_filled(account: PaperAccount) -> None:
    entry = account.order("BUY", 1, order_type="limit", price=99, stop_loss=95)
    assert account.one_order(entry["id"])["remaining_qty"] == 1
    assert children(account, entry)[0]["remaining_qty"] == 0
    account.quote(98)
    assert children(account, entry)[0]["remaining_qty"] == 1


def test_a_reducing_order_rests_with_what_it_can_close(account: PaperAccount) -> None:
    account.order("BUY", 1)
    order = account.order("SELL", 3, order_type="limit", price=110, reduce_only=True)
    assert rests(account.one_order(order["id"])) == (3, 1, "working", "reduce_only")
    account.quote(111)
    assert rests(account.one_order(order["id"])) == (3, 0, "cancelled", "reduce_only")

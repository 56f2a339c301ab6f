"""A fill reported late leaves the NAV of every session as if it had been reported in time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.portfolio.account_nav import AccountNav
from application.portfolio.accounts import MAIN, OpenAccount
from application.portfolio.create_cell import CreateCell, NewCell
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution, RecordFill
from application.portfolio.submit_order import SubmitOrder
from domain.shared.side import Side
from infrastructure.ids import UuidIds
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.persistence.memory.store import MemoryStore
from tests.support.dated_prices import DatedPrices
from tests.support.hand_clock import HandClock
from tests.support.market import calendar_folder
from tests.support.plan_book import OWNER

D = Decimal
MONDAY = datetime(2025, 3, 3, 15, 0, tzinfo=UTC)
CLOSES = [datetime(2025, 3, day, 21, 0, tzinfo=UTC) for day in (3, 4, 5, 6, 7)]
CELLS = ("AAPL", "AAPL", "ZIM")
"""The first two share an instrument; ZIM has stored closes, AAPL only what its fills tell."""

Deal = tuple[int, int, int, Decimal]
_deals = st.lists(
    st.tuples(
        st.integers(0, 101),
        st.integers(0, len(CELLS) - 1),
        st.integers(-4, 6).filter(bool),
        st.decimals("20", "60", places=2),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda deal: deal[0],
)


def _at(deal: Deal) -> datetime:
    return MONDAY + timedelta(hours=deal[0], minutes=1)


def _navs(deals: list[Deal], late: int | None) -> list[Decimal]:
    """NAV at each close; the deal of that index is reported only after the last."""
    clock = HandClock(MONDAY)
    store, ids, prices = MemoryStore(clock), UuidIds(), DatedPrices()
    nav = AccountNav(prices, ArrayCalendars(calendar_folder()))

    def run(command: Any) -> Any:
        return store.command(command, OWNER).result(timeout=30)

    def report(deal: Deal) -> None:
        _, cell, qty, price = deal
        side = Side.BUY if qty > 0 else Side.SELL
        request = OrderRequest(side, D(abs(qty)), confirm_duplicate=True)
        order = run(lambda work: SubmitOrder(ids)(cells[cell], request, work)).order
        at = _at(deal)
        execution = Execution(price, D(abs(qty)), commission=D(1), executed_at=at)
        run(lambda work: RecordFill(ids, nav)(order.id, execution, work))

    account = run(lambda work: OpenAccount(ids, nav)(MAIN, work))
    cells = [
        run(lambda work, t=t: CreateCell(ids, nav)(NewCell(t, D(0), D(5000)), work)).id
        for t in CELLS
    ]
    for close, price in zip(CLOSES, ("40", "44", "38", "41", "47"), strict=True):
        prices.set("ZIM", price, close.isoformat())
    for index, deal in enumerate(deals):
        if index != late:
            clock.jump(_at(deal).isoformat())
            report(deal)
    clock.jump((CLOSES[-1] + timedelta(seconds=30)).isoformat())
    run(lambda work: nav.close_sessions(account, work))
    if late is not None:
        report(deals[late])
    course = store.query(lambda work: work.nav_marks.course(account.id), OWNER)
    return [day.nav for day in course.days]


def _possible(deals: list[Deal], late: int) -> list[Deal]:
    """Deals no cell would refuse, with and without the late one."""
    held = [[0] * len(CELLS), [0] * len(CELLS)]
    kept = []
    for deal in sorted(deals):
        _, cell, qty, _ = deal
        if all(book[cell] + qty >= 0 for book in held):
            kept.append(deal)
            held[0][cell] += qty
            if deal != deals[late]:
                held[1][cell] += qty
    return kept


@given(_deals, st.data())
def test_a_late_report_gives_the_navs_of_one_in_time(deals: list[Deal], data: Any) -> None:
    late = data.draw(st.integers(0, len(deals) - 1))
    kept = _possible(deals, late)
    if deals[late] not in kept:
        return
    index = kept.index(deals[late])
    assert _navs(kept, index) == pytest.approx(_navs(kept, None), abs=D("1e-12"))


def test_no_price_from_after_a_session_counts_in_it() -> None:
    deals = [(0, 0, 4, D(40)), (2, 0, -2, D(40)), (26, 0, 1, D(80))]
    navs = _navs(deals, 1)
    assert navs == _navs(deals, None)
    assert round(navs[0], 12) == round(1 - D(2) / D(115_000), 12)

"""The daily order cap counts by the day of the instrument's market, not by the day in UTC."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from application.portfolio.create_cell import NewCell
from application.portfolio.order_request import OrderRequest
from domain.plans.balancing_plan import BalancingPlan
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.trading_day import day_start
from domain.shared.side import Side
from infrastructure.persistence.memory.store import MemoryStore
from tests.support.portfolio import OWNER, SteppingClock, UseCases, main_account

D = Decimal
USE = UseCases()
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("ticker", "midnight"),
    [
        ("ZIM", datetime(2026, 1, 6, 5, tzinfo=UTC)),
        ("ZIM", datetime(2026, 7, 6, 4, tzinfo=UTC)),
        ("BTC-USD", datetime(2026, 1, 6, tzinfo=UTC)),
    ],
)
def test_a_used_up_cap_opens_at_the_markets_midnight(ticker: str, midnight: datetime) -> None:
    clock = SteppingClock(midnight - timedelta(hours=2))
    store = MemoryStore(clock)
    main_account(store)
    plan = BalancingPlan(max_orders_per_day=1)
    new = NewCell(ticker, D(50), D(5000), anchor_price=D(100), plan=plan)
    cell = store.command(lambda w: USE.create_cell(new, w), OWNER).result()

    def status_at(instant: datetime, qty: int) -> OrderStatus:
        clock.instant = instant
        asked = OrderRequest(Side.BUY, D(qty))
        made = store.command(lambda w: USE.submit(cell.id, asked, w), OWNER).result()
        return made.order.status

    assert status_at(midnight - 2 * MINUTE, 1) is OrderStatus.WORKING
    assert status_at(midnight - MINUTE, 2) is OrderStatus.REJECTED
    assert status_at(midnight, 3) is OrderStatus.WORKING
    assert status_at(midnight + MINUTE, 4) is OrderStatus.REJECTED


def test_the_day_begins_at_local_midnight_also_when_the_clocks_change() -> None:
    spring = datetime(2026, 3, 8, 12, tzinfo=UTC)
    assert day_start("XNYS", spring) == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert day_start("XNYS", spring + timedelta(days=1)) == datetime(2026, 3, 9, 4, tzinfo=UTC)

"""A durable submit stays cheap: gate, reservation, ledger, event and stored answer in few statements."""

from decimal import Decimal
from pathlib import Path

from application.portfolio.create_cell import NewCell
from application.portfolio.order_request import OrderRequest
from domain.plans.balancing_plan import BalancingPlan
from domain.shared.side import Side
from infrastructure.persistence.store import SqlStore
from tests.support.databases import opened, sqlite_address
from tests.support.portfolio import OWNER, SteppingClock, UseCases, main_account

USE = UseCases()
STATEMENTS_MAX = 20


def test_a_submit_needs_at_most_twenty_statements_even_when_nothing_is_remembered(
    tmp_path: Path,
) -> None:
    with opened(sqlite_address(tmp_path)) as database:
        first, second = (SqlStore(database, SteppingClock()) for _ in range(2))
        main_account(first)
        new = NewCell(
            "ZIM", Decimal(0), Decimal(10_000), anchor_price=Decimal(20), plan=BalancingPlan()
        )
        cell = first.command(lambda work: USE.create_cell(new, work), OWNER).result()
        order = OrderRequest(Side.BUY, Decimal("1.5"))
        counted = []
        for store in (second, second):
            store.command(lambda work: USE.submit(cell.id, order, work), OWNER).result()
            counted.append(store.writer.statistics.last_statements)
        first.close()
        second.close()
    assert 0 < counted[1] < counted[0] <= STATEMENTS_MAX

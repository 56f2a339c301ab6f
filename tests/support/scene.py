"""A small trading scene that fills every table of the book, and empty databases to play it in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from application.context import RequestContext
from application.portfolio.accounts import MAIN, OpenAccount
from application.portfolio.create_cell import CreateCell, NewCell
from application.portfolio.move_cash import MoveCash, Movement
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution, RecordFill
from application.portfolio.submit_order import SubmitOrder
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.order import OrderType
from domain.shared.side import Side
from infrastructure.ids import UuidIds
from infrastructure.persistence.store import SqlStore
from tests.support.databases import scratch_postgresql

OWNER = RequestContext(owner_id="usr_1", actor="usr_1", request_id="req_1")


class SteppingClock:
    """Each look at it is a second later, so times in a test are distinct and known."""

    def __init__(self, start: datetime = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


@contextmanager
def address_of(kind: str, folder: Path) -> Iterator[str]:
    """Address of an empty database of the kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'ballast.db'}"
    else:
        with scratch_postgresql() as address:
            yield address


def trade_a_little(store: SqlStore) -> str:
    """Fill every table of the book with a cell that bought, sold and holds orders; its id."""
    ids = UuidIds()

    def scene(work: UnitOfWork) -> str:
        OpenAccount(ids)(MAIN, work)
        cell = CreateCell(ids)(
            NewCell("AAPL", qty=Decimal(10), cash=Decimal(10_000), anchor_price=Decimal(150)), work
        )
        return cell.id

    cell_id = store.command(scene, OWNER).result()
    buy = _order(store, cell_id, Side.BUY, "4.5", "151.25")
    _fill(store, buy, "2", "151.1", "e1")
    _fill(store, buy, "2.5", "151.25", "e2")
    sell = _order(store, cell_id, Side.SELL, "3", "160")
    _fill(store, sell, "3", "160.5", "e3")
    _order(store, cell_id, Side.BUY, "1", "140")
    _order(store, cell_id, Side.SELL, "2", "170")
    deposit = Movement(Decimal("12.5"), incoming=True)
    account_id = store.query(lambda work: work.accounts.main().id, OWNER)
    store.command(lambda work: MoveCash(ids).account(account_id, deposit, work), OWNER).result()
    return cell_id


def _order(store: SqlStore, cell_id: str, side: Side, qty: str, limit: str) -> str:
    request = OrderRequest(
        side, Decimal(qty), OrderType.LIMIT, limit_price=Decimal(limit), confirm_duplicate=True
    )
    done = store.command(lambda work: SubmitOrder(UuidIds())(cell_id, request, work), OWNER)
    submitted = done.result()
    assert submitted.accepted, submitted.verdict
    return submitted.order.id


def _fill(store: SqlStore, order_id: str, qty: str, price: str, external_id: str) -> None:
    execution = Execution(Decimal(price), Decimal(qty), Decimal("0.35"), external_id=external_id)
    store.command(lambda work: RecordFill(UuidIds())(order_id, execution, work), OWNER).result()

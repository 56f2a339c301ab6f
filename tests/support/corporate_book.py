"""A book on a real store with a clock set by hand: what tests of corporate actions stand on."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from application.context import RequestContext
from application.portfolio.accounts import MAIN, OpenAccount
from application.portfolio.announce_dividend import AnnounceDividend, NewDividend
from application.portfolio.cancel_dividend import CancelDividend
from application.portfolio.create_cell import CreateCell, NewCell
from application.portfolio.dividend_step import DividendStep
from application.portfolio.end_order import EndOrder
from application.portfolio.order_request import OrderRequest
from application.portfolio.pay_dividend import PayDividend, Payment
from application.portfolio.process_ex_date import ProcessExDate
from application.portfolio.record_fill import Execution, Recorded, RecordFill
from application.portfolio.splits import AnnounceSplit, ApplySplit, NewSplit, SplitApplied
from application.portfolio.submit_order import SubmitOrder
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.position import Position
from domain.shared.side import Side
from infrastructure.ids import UuidIds
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.store import SqlStore
from infrastructure.persistence.tables import METADATA
from tests.support.hand_clock import HandClock

T = TypeVar("T")


def opened_store(address: str, clock: HandClock) -> SqlStore:
    """A store with its tables."""
    database = open_database(address)
    METADATA.create_all(database.writes)
    return SqlStore(database, clock)


class CorporateBook:
    """Commands of one owner; the calendar has no tables, so a day begins at local midnight."""

    def __init__(self, store: SqlStore, clock: HandClock, owner_id: str) -> None:
        self.store = store
        self.clock = clock
        self.context = RequestContext(owner_id, owner_id, "req_test")
        self._ids = UuidIds()
        calendars = ArrayCalendars(Path("/nonexistent"))
        self._process = ProcessExDate(self._ids, calendars)
        self._pay = PayDividend(self._ids, calendars)
        self._split = ApplySplit(self._ids, calendars, EndOrder(self._ids))
        self.run(lambda work: OpenAccount(self._ids)(MAIN, work))

    def run(self, command: Callable[[UnitOfWork], T]) -> T:
        return self.store.command(command, self.context).result()

    def read(self, query: Callable[[UnitOfWork], T]) -> T:
        return self.store.query(query, self.context)

    def cell(self, qty: str, cash: str, price: str, ticker: str = "ZIM") -> Position:
        new = NewCell(ticker, Decimal(qty), Decimal(cash), anchor_price=Decimal(price))
        return self.run(lambda work: CreateCell(self._ids)(new, work))

    def position(self, position_id: str) -> Position:
        return self.read(lambda work: work.positions.get(position_id))

    def submitted(self, position_id: str, side: Side, qty: Decimal) -> str | None:
        """Id of the order, null when the gate refused it."""
        request = OrderRequest(side, qty, confirm_duplicate=True)
        done = self.run(lambda work: SubmitOrder(self._ids)(position_id, request, work))
        return done.order.id if done.accepted else None

    def fill(
        self, order_id: str, qty: Decimal, price: Decimal, executed_at: datetime | None = None
    ) -> Recorded:
        execution = Execution(price, qty, Decimal("0.07"), executed_at)
        return self.run(lambda work: RecordFill(self._ids)(order_id, execution, work))

    def dividend(self, ex_date: date, dps: str, ticker: str = "ZIM") -> str:
        new = NewDividend(ticker, ex_date, Decimal(dps), pay_date=ex_date)
        return self.run(lambda work: AnnounceDividend(self._ids)(new, work)).dividend.id

    def accrue(self, dividend_id: str) -> DividendStep:
        return self.run(lambda work: self._process(dividend_id, work))

    def pay(self, dividend_id: str) -> DividendStep:
        return self.run(lambda work: self._pay(dividend_id, Payment(), work))

    def cancel(self, dividend_id: str) -> DividendStep:
        return self.run(lambda work: CancelDividend(self._ids)(dividend_id, "test", work))

    def split(self, ex_date: date, ratio: str, ticker: str = "ZIM") -> str:
        new = NewSplit(ticker, Decimal(ratio), ex_date)
        return self.run(lambda work: AnnounceSplit(self._ids)(new, work)).split.id

    def apply(self, split_id: str) -> SplitApplied:
        return self.run(lambda work: self._split(split_id, work))

"""Trades through their use cases, on a SQLite file of their own and with a clock set by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from application.market.close_prices import ClosePrices
from application.market.daily_bars import DailyBars
from application.market.newest_close import NewestClose
from application.market.record_market_state import RecordMarketState
from application.market.session_calendar import SessionCalendar
from application.portfolio.account_risk import AssessAccount
from application.portfolio.catch_up_dividends import CatchUpDividends
from application.portfolio.open_regime_position import NewTrade, OpenRegimePosition
from application.portfolio.process_ex_date import ProcessExDate
from application.portfolio.record_fill import RecordFill
from application.portfolio.submit_order import SubmitOrder
from application.portfolio.trade_market import MarketNumbers, ReadTradeMarket
from application.portfolio.trade_orders import TradeOrders
from application.portfolio.trade_report import TradeReport
from application.portfolio.update_regime_position import BarUpdate, UpdateRegimePosition
from application.ports.unit_of_work import Store
from domain.plans.price_bar import PriceBody
from infrastructure.ids import UuidIds
from infrastructure.market_data.array_mirror import MirrorReader
from infrastructure.market_data.calendar_tables import ArrayCalendars
from tests.support.hand_clock import HandClock
from tests.support.market import calendar_folder
from tests.support.portfolio import OWNER, START, main_account
from tests.support.stores import sqlite_store


@dataclass(frozen=True)
class TradeBook:
    """A store with a main account, and the two calls of the desktop."""

    store: Store
    clock: HandClock
    opening: OpenRegimePosition
    updating: UpdateRegimePosition

    def open(self, symbol: str, price: Decimal, size: Decimal = Decimal(1)) -> str:
        """Id of a new trade in a calm market."""
        new = NewTrade(symbol, price, MarketNumbers(Decimal(18)), price / 50, size)
        done = self.store.command(lambda work: self.opening(new, work), OWNER).result()
        assert done.submitted.accepted
        return str(done.position.id)

    def bar(self, position_id: str, close: Decimal) -> TradeReport:
        """Update with a bar of the current session."""
        update = BarUpdate(PriceBody(close), MarketNumbers(Decimal(18)))
        return self.store.command(
            lambda work: self.updating(position_id, update, work), OWNER
        ).result()


@contextmanager
def trade_book(folder: Path) -> Iterator[TradeBook]:
    """A book in the folder; the XNYS table is at hand."""
    clock = HandClock(START)
    with sqlite_store(folder, clock) as store:
        main_account(store)
        ids, calendars = UuidIds(), ArrayCalendars(calendar_folder())
        candles = MirrorReader(folder, store)
        sessions = SessionCalendar(calendars)
        market = ReadTradeMarket(sessions, RecordMarketState(sessions))
        orders = TradeOrders(SubmitOrder(ids), RecordFill(ids))
        bars = DailyBars(candles)
        assess = AssessAccount(ClosePrices(NewestClose(candles)), bars)
        opening = OpenRegimePosition(ids, calendars, market, assess, bars, orders)
        catch_up = CatchUpDividends(ProcessExDate(ids, calendars), calendars)
        updating = UpdateRegimePosition(calendars, market, orders, catch_up)
        yield TradeBook(store, clock, opening, updating)

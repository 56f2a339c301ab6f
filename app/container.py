"""The one place where adapters meet ports."""

from dishka import Container, Provider, Scope, make_container, provide

from app.event_providers import Events
from app.identity_provider import Identity
from app.market_providers import MarketStates
from app.platform_providers import Messaging, Watching, Work
from app.process_providers import Processes
from app.reporting import ReportDesk
from app.settings import Settings
from app.simulation_providers import Simulation
from application.market.close_prices import ClosePrices
from application.market.daily_bars import DailyBars
from application.market.newest_close import NewestClose
from application.market.read_candles import ReadCandles
from application.portfolio.account_nav import AccountNav
from application.portfolio.account_risk import AssessAccount
from application.portfolio.account_worth import ValueAccounts
from application.portfolio.accounts import OpenAccount
from application.portfolio.announce_dividend import AnnounceDividend
from application.portfolio.cancel_dividend import CancelDividend
from application.portfolio.catch_up_dividends import CatchUpDividends
from application.portfolio.change_position import RetireCell
from application.portfolio.close_position import ClosePosition
from application.portfolio.close_trade import CloseTrade, DeleteTrade
from application.portfolio.create_cell import CreateCell
from application.portfolio.end_order import EndOrder
from application.portfolio.evaluate_position import EvaluatePosition
from application.portfolio.live_trades import ReadLiveTrades
from application.portfolio.move_cash import MoveCash
from application.portfolio.open_regime_position import OpenRegimePosition
from application.portfolio.pay_dividend import PayDividend
from application.portfolio.performance import MeasurePerformance
from application.portfolio.process_ex_date import ProcessExDate
from application.portfolio.protect_trade import ProtectTrade
from application.portfolio.rebalance import Rebalance
from application.portfolio.record_fill import RecordFill
from application.portfolio.splits import AnnounceSplit, ApplySplit
from application.portfolio.submit_order import SubmitOrder
from application.portfolio.trade_market import ReadTradeMarket
from application.portfolio.trade_orders import TradeOrders
from application.portfolio.trade_tallies import TradeTallies
from application.portfolio.update_regime_position import UpdateRegimePosition
from application.ports.calendars import CalendarTables
from application.ports.candles import CandleReader
from application.ports.clock import Clock
from application.ports.ids import Ids
from application.ports.prices import Prices
from application.ports.unit_of_work import Store
from application.risk.change_configuration import ChangeConfiguration
from infrastructure.clock import SystemClock
from infrastructure.compute.local_pool import LocalPool
from infrastructure.ids import UuidIds
from infrastructure.market_data.array_mirror import MirrorReader
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.persistence.engine import Database, open_database
from infrastructure.persistence.store import SqlStore


class Foundation(Provider):
    """Clock, identifiers, store."""

    scope = Scope.APP

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings

    @provide
    def settings(self) -> Settings:
        return self._settings

    @provide
    def clock(self) -> Clock:
        return SystemClock()

    @provide
    def ids(self) -> Ids:
        return UuidIds()

    @provide
    def database(self) -> Database:
        return open_database(self._settings.database_address)

    @provide
    def sql_store(self, database: Database, clock: Clock) -> SqlStore:
        return SqlStore(database, clock)

    @provide
    def store(self, sql_store: SqlStore) -> Store:
        return sql_store


class Market(Provider):
    """Candles, calendars and the prices they give."""

    scope = Scope.APP

    @provide
    def calendars(self, settings: Settings) -> CalendarTables:
        return ArrayCalendars(settings.data_dir)

    @provide
    def candles(self, settings: Settings, store: Store) -> CandleReader:
        return MirrorReader(settings.data_dir, store)

    newest_close = provide(NewestClose)
    read_candles = provide(ReadCandles)
    prices = provide(ClosePrices, provides=Prices)


class Risk(Provider):
    """Use cases of limits and configuration."""

    scope = Scope.APP

    change_configuration = provide(ChangeConfiguration)


class Portfolio(Provider):
    """Use cases of the book."""

    scope = Scope.APP

    @provide
    def account_nav(self, prices: Prices, calendars: CalendarTables) -> AccountNav:
        return AccountNav(prices, calendars)

    @provide
    def create_cell(self, ids: Ids, nav: AccountNav) -> CreateCell:
        return CreateCell(ids, nav)

    @provide
    def move_cash(self, ids: Ids, nav: AccountNav) -> MoveCash:
        return MoveCash(ids, nav)

    @provide
    def open_account(self, ids: Ids, nav: AccountNav) -> OpenAccount:
        return OpenAccount(ids, nav)

    value_accounts = provide(ValueAccounts)
    trade_tallies = provide(TradeTallies)

    @provide
    def measure_performance(
        self, value: ValueAccounts, tallies: TradeTallies, settings: Settings
    ) -> MeasurePerformance:
        return MeasurePerformance(value, tallies, settings.risk_free_rate)

    submit_order = provide(SubmitOrder)

    @provide
    def record_fill(self, ids: Ids, nav: AccountNav) -> RecordFill:
        return RecordFill(ids, nav)

    end_order = provide(EndOrder)
    evaluate = provide(EvaluatePosition)
    rebalance = provide(Rebalance)
    close_position = provide(ClosePosition)
    daily_bars = provide(DailyBars)
    assess_account = provide(AssessAccount)
    trade_market = provide(ReadTradeMarket)

    @provide
    def trade_orders(self, ids: Ids, submit: SubmitOrder, nav: AccountNav) -> TradeOrders:
        return TradeOrders(submit, RecordFill(ids), nav)

    open_trade = provide(OpenRegimePosition)
    update_trade = provide(UpdateRegimePosition)
    close_trade = provide(CloseTrade)
    delete_trade = provide(DeleteTrade)
    protect_trade = provide(ProtectTrade)
    live_trades = provide(ReadLiveTrades)
    retire_cell = provide(RetireCell)
    announce_dividend = provide(AnnounceDividend)
    process_ex_date = provide(ProcessExDate)
    catch_up_dividends = provide(CatchUpDividends)
    pay_dividend = provide(PayDividend)
    cancel_dividend = provide(CancelDividend)
    announce_split = provide(AnnounceSplit)
    apply_split = provide(ApplySplit)


class Reports(Provider):
    """Reports and the worker that builds them; it starts with the first one."""

    scope = Scope.APP

    @provide
    def desk(
        self,
        store: Store,
        measure: MeasurePerformance,
        trades: ReadLiveTrades,
        settings: Settings,
    ) -> ReportDesk:
        return ReportDesk(store, measure, trades, settings, LocalPool(workers=1))


def build_container(settings: Settings) -> Container:
    """Everything wired for one process; adapters are made when first asked for."""
    return make_container(
        Foundation(settings),
        Messaging(),
        Market(),
        MarketStates(),
        Portfolio(),
        Simulation(),
        Reports(),
        Risk(),
        Identity(),
        Work(),
        Watching(),
        Events(),
        Processes(),
    )

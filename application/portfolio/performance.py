"""Performance of an account: its NAV, its closed trades, what is open, and the targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.portfolio.account_worth import AccountWorth, ValueAccounts
from application.portfolio.trade_tallies import TradeTallies
from application.portfolio.views import Mark, unrealized_pnl
from application.ports.unit_of_work import UnitOfWork
from application.risk.effective_configuration import desktop_configuration
from domain.portfolio.account import Account
from domain.portfolio.position import Position
from domain.portfolio.trade_statistics import TradeStatistics
from domain.portfolio.trading_day import session_date
from domain.risk.desktop_configuration import DesktopConfiguration, PerformanceTargets
from domain.risk.nav import UnitNav
from domain.risk.nav_performance import (
    NavHistory,
    NavPerformance,
    nav_performance,
    periods_per_year,
)
from domain.risk.open_risk import OpenPosition, OpenRisk, open_risk
from domain.shared.decimals import ZERO, divide, fraction


@dataclass(frozen=True, slots=True)
class Book:
    """What is open now. `exposure` = Σ |q|·mark / equity; `open_pnl` and `fees` are of trades."""

    active_positions: int
    exposure: Decimal | None
    open_risk: OpenRisk
    open_pnl: Decimal | None
    fees: Decimal
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Performance:
    """Everything in fractions and money; a null figure has its reason in its part.

    `nav_reason` is set while the NAV of this moment is unknown: the figures of this moment are then
    null, those of closed sessions are not.
    """

    account: Account
    as_of: datetime
    nav: NavPerformance
    nav_reason: str | None
    trades: TradeStatistics
    book: Book
    targets: PerformanceTargets


class MeasurePerformance:
    """A fixed number of queries, however many trades and positions there are. For queries only:
    closed trades are counted once and remembered, so what is read must be committed.
    """

    def __init__(self, value: ValueAccounts, tallies: TradeTallies) -> None:
        self._value = value
        self._tallies = tallies

    def __call__(self, account: Account, work: UnitOfWork) -> Performance:
        configuration = desktop_configuration(work)
        worth = self._value.one(account, work)
        active = [p for p in worth.view.positions if p.exit_plan is not None]
        return Performance(
            account=account,
            as_of=work.now,
            nav=self._nav(account, worth, work),
            nav_reason=worth.reasons.get("nav"),
            trades=self._tallies.of(account.id, work),
            book=_book(account, worth, active, configuration),
            targets=configuration.performance_targets,
        )

    def _nav(self, account: Account, worth: AccountWorth, work: UnitOfWork) -> NavPerformance:
        recorded = work.nav_marks.course(account.id)
        today = session_date(account.calendar, work.now)
        state = worth.nav or worth.recorded or UnitNav(ZERO)
        began_at = recorded.began_at or work.now
        history = NavHistory(session_date(account.calendar, began_at), recorded.days, state, today)
        return nav_performance(history, periods_per_year(account.calendar))


def _book(
    account: Account,
    worth: AccountWorth,
    active: Sequence[Position],
    configuration: DesktopConfiguration,
) -> Book:
    view = worth.view
    reasons: dict[str, str] = {}
    exposure = None
    if view.equity is None or view.stock_value is None:
        reasons["exposure"] = "no_price"
    elif view.equity <= 0:
        reasons["exposure"] = "equity_not_positive"
    else:
        gross = sum((abs(mark.value or ZERO) for mark in view.marks), ZERO)
        exposure = fraction(divide(gross, view.equity))
    trades = {position.id for position in active}
    gains = [unrealized_pnl(m.position, m.price) for m in view.marks if m.position.id in trades]
    open_pnl = None if None in gains else sum((gain or ZERO for gain in gains), ZERO)
    if open_pnl is None:
        reasons["open_pnl"] = "no_price"
    rate = configuration.execution.commission_rate
    risk = open_risk([_at_risk(mark, account, rate) for mark in view.marks], view.equity)
    fees = sum((position.basis.fees_paid for position in active), ZERO)
    return Book(len(active), exposure, risk, open_pnl, fees, reasons)


def _at_risk(mark: Mark, account: Account, trade_rate: Decimal) -> OpenPosition:
    plan = mark.position.exit_plan
    return OpenPosition(
        qty=mark.position.qty,
        mark=None if mark.price is None else mark.price.value,
        stop=None if plan is None else plan.stop.price,
        fee_rate=account.costs.commission_rate if plan is None else trade_rate,
    )

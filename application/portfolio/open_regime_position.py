"""Open a trade: levels from the market's regime, size from the account, one order filled at once.

One transaction: position, gate, reservation, order, fill and events. A refusal by the gate is an
answer: the refused order is stored, and the position that would have held it is closed.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from application.market.daily_bars import DailyBars
from application.market.register_instrument import registered
from application.portfolio.account_risk import AccountRisk, AssessAccount
from application.portfolio.books import require_main_book
from application.portfolio.exit_rules import exit_rules, price_step, trade_lot
from application.portfolio.recording import position_event
from application.portfolio.size_trade import SizeQuestion, entry_order, size_of
from application.portfolio.submit_order import Submitted
from application.portfolio.trade_market import MarketNumbers, ObservedMarket, ReadTradeMarket
from application.portfolio.trade_orders import TradeOrders
from application.portfolio.trade_rows import opened_row
from application.portfolio.trade_sessions import TradeCalendar, trade_calendar
from application.ports.calendars import CalendarTables
from application.ports.ids import Ids
from application.ports.repositories import RegisteredInstrument
from application.ports.unit_of_work import UnitOfWork
from application.risk.effective_configuration import desktop_configuration
from domain.market.breadth import EntryFilter, entry_filter
from domain.market.instrument import ONLY_READ
from domain.plans.exit_levels import TrueRangeSource, resolved_true_range
from domain.plans.regime_exit_plan import EntryTerms, RegimeExitPlan, open_regime_exit, sized
from domain.plans.regime_rules import ExitRules
from domain.portfolio.account import Account, Settlement
from domain.portfolio.position import MANUAL_VENUE, Position, PositionStatus
from domain.risk.desktop_configuration import DesktopConfiguration
from domain.risk.sizing import Size
from domain.shared.decimals import ONE, cash, fraction, plain
from domain.shared.errors import Conflict, FieldFault, Invalid
from domain.shared.events import NewEvent
from domain.shared.ids import Prefix

ATR_DECIMALS = Decimal("1e-8")


class TradeWarning(StrEnum):
    """What a person should know beside the levels."""

    TRUE_RANGE_DEFAULTED = "true_range_defaulted"
    OPPOSING_PLANS = "opposing_plans"


@dataclass(frozen=True, slots=True)
class NewTrade:
    """What the caller asks for; `requested` is a share of equity, an upper bound of the size."""

    symbol: str
    entry_price: Decimal
    numbers: MarketNumbers = field(default_factory=MarketNumbers)
    true_range: Decimal | None = None
    requested: Decimal = ONE
    opened_at: datetime | None = None
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedTrade:
    """The position with its levels and size, or the order the gate refused."""

    position: Position
    size: Size
    submitted: Submitted
    market: ObservedMarket
    requested: Decimal
    warnings: tuple[str, ...]
    entry_filter: EntryFilter | None

    @property
    def plan(self) -> RegimeExitPlan:
        """Levels at entry."""
        plan = self.position.exit_plan
        assert plan is not None
        return plan


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything one opening is decided by."""

    new: NewTrade
    account: Account
    instrument: RegisteredInstrument
    configuration: DesktopConfiguration
    rules: ExitRules
    calendar: TradeCalendar
    opened_at: datetime
    market: ObservedMarket


class OpenRegimePosition:
    """Conflict `position_exists`; BadInput `vix_required`; Invalid `currency_mismatch`,
    `invalid_plan`, `invalid_stop`, `no_equity`, `not_tradable`; RuleRefused `size_below_minimum`
    with all caps.
    """

    def __init__(
        self,
        ids: Ids,
        calendars: CalendarTables,
        market: ReadTradeMarket,
        assess: AssessAccount,
        bars: DailyBars,
        orders: TradeOrders,
    ) -> None:
        self._ids = ids
        self._calendars = calendars
        self._market = market
        self._assess = assess
        self._bars = bars
        self._orders = orders

    def __call__(self, new: NewTrade, work: UnitOfWork) -> OpenedTrade:
        scene = self._scene(new, work)
        account, instrument = scene.account, scene.instrument
        _require_free(account, instrument, work)
        plan = self._plan(scene)
        risk = self._assess(account, instrument.id, scene.rules, work)
        question = SizeQuestion(plan, scene.rules, scene.configuration, risk, new.requested)
        size = size_of(question)
        plan = replace(
            sized(plan, size.quantity),
            size_fraction=fraction(size.applied_fraction),
            initial_risk=cash(size.risk_money),
            entry_fee=cash(size.notional * scene.rules.commission_rate),
        )
        position = self._position(scene, plan)
        work.positions.add(position)
        order = entry_order(question, size)
        submitted, position = self._orders.enter(position, order, new.entry_price, work)
        opened = OpenedTrade(
            position=position,
            size=size,
            submitted=submitted,
            market=scene.market,
            requested=new.requested,
            warnings=_warnings(plan, risk),
            entry_filter=entry_filter(scene.market.row.values),
        )
        if submitted.accepted:
            work.events.append([_opened_event(opened, work)])
        return opened

    def _scene(self, new: NewTrade, work: UnitOfWork) -> _Scene:
        account = work.accounts.get(new.account_id) if new.account_id else work.accounts.main()
        require_main_book(account)
        instrument, _ = registered(new.symbol, work)
        _require_holdable(account, instrument)
        opened_at = new.opened_at or work.now
        if opened_at > work.now:
            fault = FieldFault("/opened_at", "in_future", "not later than now")
            raise Invalid("invalid_request", "opened_at lies in the future.", errors=(fault,))
        configuration = desktop_configuration(work)
        return _Scene(
            new=new,
            account=account,
            instrument=instrument,
            configuration=configuration,
            rules=exit_rules(configuration),
            calendar=trade_calendar(instrument.calendar, self._calendars, work.now),
            opened_at=opened_at,
            market=self._market.required(new.numbers, opened_at, work),
        )

    def _plan(self, scene: _Scene) -> RegimeExitPlan:
        new, instrument = scene.new, scene.instrument
        atr = None
        if new.true_range is None:
            atr = self._bars.average_true_range(instrument.id, scene.opened_at)
        exact = None if atr is None else Decimal(repr(atr)).quantize(ATR_DECIMALS)
        true_range, source = resolved_true_range(new.true_range, exact, new.entry_price)
        return open_regime_exit(
            EntryTerms(
                entry_price=new.entry_price,
                session=scene.calendar.session_at(scene.opened_at),
                state=scene.market.state,
                true_range=true_range,
                true_range_source=source,
                price_step=price_step(instrument),
                lot=trade_lot(instrument),
                rules=scene.rules,
                opened_at=scene.opened_at,
            )
        )

    def _position(self, scene: _Scene, plan: RegimeExitPlan) -> Position:
        account, instrument = scene.account, scene.instrument
        return Position(
            id=self._ids.new(Prefix.POSITION),
            owner_id=account.owner_id,
            account_id=account.id,
            instrument=instrument.id,
            currency=account.base_currency,
            calendar=instrument.calendar,
            venue=MANUAL_VENUE,
            is_cell=False,
            plan=plan,
            status=PositionStatus.PENDING,
            opened_at=scene.opened_at,
            entry_session=plan.entry_session,
        )


def _require_holdable(account: Account, instrument: RegisteredInstrument) -> None:
    if account.settlement is not Settlement.CASH:
        fault = FieldFault("/account_id", "cash_account_needed", "trades live in cash accounts")
        raise Invalid("invalid_request", "The trade cannot be opened.", errors=(fault,))
    if instrument.kind in ONLY_READ:
        fault = FieldFault("/symbol", "not_tradable", "an index is read, never held")
        raise Invalid("not_tradable", f"{instrument.id} cannot be bought.", errors=(fault,))
    if instrument.quote != account.base_currency:
        message = f"the account holds {account.base_currency}"
        fault = FieldFault("/symbol", "currency_mismatch", message)
        raise Invalid(
            "currency_mismatch",
            f"{instrument.id} is priced in {instrument.quote}, {message}.",
            errors=(fault,),
        )


def _require_free(account: Account, instrument: RegisteredInstrument, work: UnitOfWork) -> None:
    live = work.positions.live_trade(account.id, instrument.id)
    if live is not None:
        raise Conflict(
            "position_exists",
            f"A position in {instrument.id} is open.",
            context={"position_id": live.id},
        )


def _warnings(plan: RegimeExitPlan, risk: AccountRisk) -> tuple[str, ...]:
    found = []
    if plan.true_range_source is TrueRangeSource.DEFAULT:
        found.append(TradeWarning.TRUE_RANGE_DEFAULTED.value)
    if risk.has_cell:
        found.append(TradeWarning.OPPOSING_PLANS.value)
    return tuple(found)


def _opened_event(opened: OpenedTrade, work: UnitOfWork) -> NewEvent:
    plan, size, position = opened.plan, opened.size, opened.position
    row = opened_row(position, size, position.basis.fees_paid, opened.requested)
    message = (
        f"{position.instrument}: {plain(size.quantity)} at {plain(plan.entry_price)}, "
        f"stop {plain(plan.stop.price)}, {plan.regime_at_entry.value}."
    )
    state = opened.market.state
    inputs = {
        "vix": state.vix,
        "t2108": state.t2108,
        "momentum_ratio": state.momentum_ratio,
        "equity": size.equity,
        "caps": [{"name": cap.name.value, "shares": cap.quantity} for cap in size.caps],
        "warnings": [*opened.warnings, *(warning.value for warning in size.warnings)],
    }
    return position_event(
        "position_opened", position, work.now, message, inputs=inputs, outputs=row
    )

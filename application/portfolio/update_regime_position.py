"""Update a trade with a bar: the plan decides, exits fill, levels move, all in one transaction.

The newest bar sent again answers what it was answered first, also after it closed the position, and
changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from application.market.register_instrument import instrument_id
from application.portfolio.catch_up_dividends import CatchUpDividends
from application.portfolio.exit_rules import exit_rules
from application.portfolio.nav_restatement import BarEffect
from application.portfolio.recording import Claims, plan_view, position_event
from application.portfolio.trade_events import closed_event, step_events, step_rows
from application.portfolio.trade_market import MarketNumbers, ReadTradeMarket
from application.portfolio.trade_orders import TradeOrders
from application.portfolio.trade_report import TradeReport, report_of
from application.portfolio.trade_rows import Row, TradeMoment, action_of
from application.portfolio.trade_sessions import BarTime, trade_calendar
from application.ports.calendars import CalendarTables
from application.ports.unit_of_work import UnitOfWork
from application.risk.effective_configuration import desktop_configuration
from domain.market.market_regime import SessionState
from domain.market.vix_regime import RegimeProfile
from domain.plans.price_bar import PriceBar, PriceBody, checked_bar
from domain.plans.regime_exit import ExitMarket, RegimeDecision, decide
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.plans.regime_rules import ExitRules
from domain.portfolio.position import Position, PositionStatus
from domain.shared.canonical import signature
from domain.shared.decimals import plain
from domain.shared.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class BarUpdate:
    """A bar as the caller sends it. `as_of` is a session's date or an instant in it; `is_interval`:
    it covers only the time since the last update.
    """

    body: PriceBody
    numbers: MarketNumbers = field(default_factory=MarketNumbers)
    as_of: date | datetime | None = None
    is_final: bool = True
    is_interval: bool = False

    def signature(self, session: date) -> str:
        """Equal for equal requests about one session, however their numbers were spelled."""
        body, numbers = self.body, self.numbers
        return signature(
            {
                "session": session.isoformat(),
                "prices": [body.open, body.high, body.low, body.close],
                "market": [numbers.vix, numbers.t2108, numbers.momentum_ratio],
                "as_of": None if self.as_of is None else self.as_of.isoformat(),
                "final": self.is_final,
                "interval": self.is_interval,
            }
        )


@dataclass(frozen=True, slots=True)
class _Judged:
    """A bar with everything that decided it, and what the plan said."""

    bar: PriceBar
    time: BarTime
    state: SessionState | None
    days_held: int
    rules: ExitRules
    decision: RegimeDecision

    @property
    def moment(self) -> TradeMoment:
        """When its steps happened."""
        return TradeMoment(self.time.session, self.time.at)


class UpdateRegimePosition:
    """BadInput `missing_close`, `inconsistent_bar`, `bar_out_of_order`, `bar_before_entry`,
    `bar_in_future`; Conflict `position_closed`, `position_paused`; the position is untouched then.
    """

    def __init__(
        self,
        calendars: CalendarTables,
        market: ReadTradeMarket,
        orders: TradeOrders,
        catch_up: CatchUpDividends,
    ) -> None:
        self._calendars = calendars
        self._market = market
        self._orders = orders
        self._catch_up = catch_up

    def __call__(self, position_id: str, update: BarUpdate, work: UnitOfWork) -> TradeReport:
        position = work.positions.get(position_id)
        trade_plan(position)
        return self._replay(position, update, work) or self._update(position, update, work)

    def of_symbol(self, symbol: str, update: BarUpdate, work: UnitOfWork) -> TradeReport:
        """The open trade of the main account in the symbol; NotFound `position_not_found`.

        The bar that closed a trade is answered again.
        """
        account, instrument = work.accounts.main(), instrument_id(symbol)
        live = work.positions.live_trade(account.id, instrument)
        if live is not None:
            return self._replay(live, update, work) or self._update(live, update, work)
        last = work.positions.last_trade(account.id, instrument)
        report = None
        if last is not None and last.last_executed_at is not None:
            report = self._replay(last, update, work)
        if report is None:
            raise NotFound("position_not_found", f"No position in {instrument} is open.")
        return report

    def _replay(
        self, position: Position, update: BarUpdate, work: UnitOfWork
    ) -> TradeReport | None:
        calendar = trade_calendar(position.calendar, self._calendars, work.now)
        bar = _bar(update, calendar.bar_time(update.as_of))
        digest = update.signature(bar.session)
        known = _answered(position, update, digest, bar.session, work)
        return None if known is None else TradeReport(position, known, replayed=True)

    def _update(self, position: Position, update: BarUpdate, work: UnitOfWork) -> TradeReport:
        if position.status is PositionStatus.PAUSED:
            raise Conflict("position_paused", f"Position {position.id} is paused.")
        calendar = trade_calendar(position.calendar, self._calendars, work.now)
        time = calendar.bar_time(update.as_of)
        bar, digest = _bar(update, time), update.signature(time.session)
        position = self._catch_up(position, time.session, work)
        plan = trade_plan(position)
        rules = exit_rules(desktop_configuration(work))
        # A trade keeps the bands of the profile it was opened by.
        profile = RegimeProfile(plan.profile.value)
        observed = self._market(update.numbers, time.at, work, profile)
        state = None if observed is None else observed.state
        days_held = calendar.sessions_after(plan.entry_session, time.session)
        view = plan_view(position, Claims())
        market = ExitMarket(bar, state, rules, days_held, calendar.today, digest)
        decision = decide(plan, view, market)
        judged = _Judged(bar, time, state, days_held, rules, decision)
        after, rows = self._apply(position, judged, work)
        report = report_of(after, rows, days_held, judged.moment)
        _remember(plan, after, judged, digest, report.answer, work)
        return report

    def _apply(
        self, position: Position, judged: _Judged, work: UnitOfWork
    ) -> tuple[Position, list[Row]]:
        decision, moment = judged.decision, judged.moment
        sold = self._orders.leave(position, decision.actions, judged.rules, moment.at, work)
        after = _after(sold.position, judged, work)
        work.positions.save(after)
        self._orders.priced(BarEffect(position, after, judged.time), work)
        rows = step_rows(after, decision.actions, sold.exits, moment)
        inputs = _seen(judged)
        outputs = {"actions": [action_of(row) for row in rows], "stop_level": _stop_of(after)}
        told = f"{after.instrument} at {plain(judged.bar.close)}: {len(rows)} actions."
        priced = position_event(
            "price_evaluated", after, work.now, told, inputs=inputs, outputs=outputs
        )
        events = [priced, *step_events(after, rows, inputs, work)]
        if decision.position_closed:
            events.append(closed_event(after, moment, judged.days_held, work))
        work.events.append(events)
        return after, rows


def _bar(update: BarUpdate, time: BarTime) -> PriceBar:
    return checked_bar(
        update.body,
        time.session,
        is_final=update.is_final,
        is_interval=update.is_interval,
        as_of=update.as_of if isinstance(update.as_of, datetime) else None,
    )


def trade_plan(position: Position) -> RegimeExitPlan:
    """The plan of a trade; Conflict `not_a_trade` for a cell, NotFound for an entry that never
    filled.
    """
    plan = position.exit_plan
    if plan is None:
        raise Conflict("not_a_trade", f"Position {position.id} has no stop and no targets.")
    if position.last_executed_at is None:
        raise NotFound("position_not_found", f"Position {position.id} was never entered.")
    return plan


def _answered(
    position: Position, update: BarUpdate, digest: str, session: date, work: UnitOfWork
) -> Mapping[str, object] | None:
    """What this bar was answered, if it is the newest one: a price that returns is news."""
    plan = position.exit_plan
    running = None if plan is None else plan.running
    if running is None or running.bar.session != session:
        return None
    if running.bodies[-1:] != (digest,):
        return None
    return work.bar_answers.find(position.id, session, digest)


def _after(sold: Position, judged: _Judged, work: UnitOfWork) -> Position:
    bar, decision = judged.bar, judged.decision
    # Exits are booked just after the bar's instant; its close comes after them.
    marked_at = max(judged.time.at, sold.last_executed_at or judged.time.at)
    is_newest = sold.marked_at is None or marked_at >= sold.marked_at
    return replace(
        sold,
        plan=decision.plan,
        high_water=max(sold.high_water or bar.high, bar.high),
        low_water=min(sold.low_water or bar.low, bar.low),
        mark_price=bar.close if is_newest else sold.mark_price,
        marked_at=marked_at if is_newest else sold.marked_at,
        version=sold.version + 1,
    )


def _remember(
    before: RegimeExitPlan,
    after: Position,
    judged: _Judged,
    digest: str,
    answer: Mapping[str, object],
    work: UnitOfWork,
) -> None:
    session = judged.time.session
    if before.running is not None and before.running.bar.session < session:
        work.bar_answers.forget_before(after.id, session)
    work.bar_answers.put(after.id, session, digest, answer)


def _seen(judged: _Judged) -> Row:
    bar, state = judged.bar, judged.state
    market: Row | None = None
    if state is not None:
        market = {
            "session": state.session.isoformat(),
            "regime": state.regime.value,
            "vix": state.vix,
            "t2108": state.t2108,
            "momentum_ratio": state.momentum_ratio,
            "vix_change": state.vix_change,
            "t2108_change": state.t2108_change,
        }
    prices = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close}
    return {"bar": {**prices, "session": bar.session.isoformat()}, "market": market}


def _stop_of(position: Position) -> Decimal:
    return trade_plan(position).stop.price

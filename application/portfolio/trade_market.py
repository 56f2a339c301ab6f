"""The market's state that one call about a trade is decided by.

Numbers sent with the call decide that call, classified as they are; without any, the newest stored
row that is not stale. Changes are always measured against stored rows of earlier sessions, never
against the last call, so the order in which symbols are updated cannot matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from application.market.record_market_state import RecordMarketState
from application.market.regime_settings import regime_settings
from application.market.session_calendar import SessionCalendar
from application.ports.unit_of_work import UnitOfWork
from domain.market.market_regime import SessionState
from domain.market.market_sources import StateSource, VixSource
from domain.market.market_state import (
    PREVIOUS_SESSIONS_MAX,
    MarketStateRow,
    StateOffer,
    current_session,
    fits,
    is_stale,
    labelled,
    require_in_range,
    session_state,
)
from domain.market.trading_calendar import TradingCalendar
from domain.market.vix_regime import RegimeProfile, VixRules, classify
from domain.shared.errors import BadInput, FieldFault, Invalid


@dataclass(frozen=True, slots=True)
class MarketNumbers:
    """What a caller says of the market: VIX in points, T2108 a percentage, momentum a ratio."""

    vix: Decimal | None = None
    t2108: Decimal | None = None
    momentum_ratio: Decimal | None = None

    @property
    def given(self) -> dict[str, Decimal]:
        """The numbers that were sent."""
        sent = {"vix": self.vix, "t2108": self.t2108, "momentum_ratio": self.momentum_ratio}
        return {name: value for name, value in sent.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ObservedMarket:
    """The state, the row it was read from, and whether the session before had another regime."""

    state: SessionState
    row: MarketStateRow
    regime_changed: bool = False


class ReadTradeMarket:
    """Reads the state for one call and keeps its numbers as the session's row if there is none.

    Invalid `invalid_market_state` for numbers out of range.
    """

    def __init__(self, sessions: SessionCalendar, record: RecordMarketState) -> None:
        self._sessions = sessions
        self._record = record

    def __call__(
        self,
        numbers: MarketNumbers,
        at: datetime,
        work: UnitOfWork,
        profile: RegimeProfile | None = None,
    ) -> ObservedMarket | None:
        """None without a VIX: neither sent nor in a stored row that is not stale.

        `profile` is that of a trade that is open; a new one takes the configured.
        """
        calendar = self._sessions()
        session = current_session(calendar, at)
        if session is None:
            return None
        settings = regime_settings(work)
        rules = settings.rules(profile)
        before = list(work.market_state.before(session, PREVIOUS_SESSIONS_MAX))
        visible = work.market_state.newest_at(at, session)
        is_fresh = visible is not None and not is_stale(visible, session, calendar)
        fresh = visible if is_fresh else None
        given = numbers.given
        if not given:
            if fresh is None:
                return None
            if rules.profile is not settings.profile:
                fresh = _labelled_by(rules, fresh, before, calendar)
            return _observed(fresh, before, calendar, rules)
        _require_usable(given)
        if numbers.vix is not None:
            self._keep(session, given, work)
        row = _as_sent(session, given, fresh, work.now)
        inputs = row.inputs
        if inputs is None:
            return None
        return _observed(replace(row, label=classify(inputs, rules)), before, calendar, rules)

    def required(
        self,
        numbers: MarketNumbers,
        at: datetime,
        work: UnitOfWork,
    ) -> ObservedMarket:
        """BadInput `vix_required` where no VIX is known; Invalid `invalid_request` for an instant
        before the calendar's table.
        """
        calendar = self._sessions()
        if current_session(calendar, at) is None:
            message = f"not before {calendar.first_day}, where the table of sessions begins"
            fault = FieldFault("/opened_at", "outside_calendar", message)
            raise Invalid("invalid_request", "No session is known at opened_at.", errors=(fault,))
        observed = self(numbers, at, work)
        if observed is None:
            raise BadInput(
                "vix_required", "Send market_data.vix: no row of the market's state is fresh."
            )
        return observed

    def _keep(self, session: date, given: Mapping[str, Decimal], work: UnitOfWork) -> None:
        # The record's range of ratios is that of breadth imports; a request may be outside it, and
        # then its numbers decide the call and are not kept.
        is_storable = fits("momentum_ratio", given.get("momentum_ratio"))
        if not is_storable or work.market_state.find(session) is not None:
            return
        try:
            self._record([StateOffer(session, StateSource.REQUEST, given)], work)
        except Invalid as refused:
            # Rows of another index lie beside it: the numbers decide the call and are not kept.
            if refused.code != "vix_source_mismatch":
                raise


def _require_usable(given: Mapping[str, Decimal]) -> None:
    """As the record takes them, but any momentum ratio above zero."""
    ratio = given.get("momentum_ratio")
    is_positive = ratio is not None and ratio.is_finite() and ratio > 0
    free = {"momentum_ratio"} if is_positive else set()
    require_in_range({name: value for name, value in given.items() if name not in free})


def _as_sent(
    session: date, sent: Mapping[str, Decimal], fresh: MarketStateRow | None, at: datetime
) -> MarketStateRow:
    """The session's row as this call sees it: what was sent, and what is stored for the rest."""
    same_session = fresh is not None and fresh.session == session
    stored = dict(fresh.values) if fresh is not None and same_session else {}
    if fresh is not None and "vix" not in sent and fresh.vix is not None:
        stored["vix"] = fresh.vix
    values = {**stored, **sent}
    return MarketStateRow(
        session=session,
        values=values,
        sources=dict.fromkeys(values, StateSource.REQUEST),
        vix_source=VixSource.VIX if fresh is None else fresh.vix_source,
        visible_at=at,
        recorded_at=at,
    )


def _labelled_by(
    rules: VixRules,
    row: MarketStateRow,
    before: list[MarketStateRow],
    calendar: TradingCalendar,
) -> MarketStateRow:
    """A stored row under the rules of another profile than the one it was labelled by."""
    earlier = [each for each in before if each.session < row.session]
    return labelled([*earlier, row], (), rules, calendar)[-1]


def _observed(
    row: MarketStateRow,
    before: list[MarketStateRow],
    calendar: TradingCalendar,
    rules: VixRules,
) -> ObservedMarket | None:
    earlier = [each for each in before if each.session < row.session]
    state = session_state([*earlier, row], row.session, calendar)
    if state is None:
        return None
    if rules.force_regime is not None:
        state = replace(state, regime=rules.force_regime)
    recent = [r for r in earlier if _is_recent(r, row, calendar)]
    previous = recent[-1].label if recent else None
    changed = previous is not None and previous.regime is not state.regime
    return ObservedMarket(state, row, changed)


def _is_recent(earlier: MarketStateRow, row: MarketStateRow, calendar: TradingCalendar) -> bool:
    return calendar.sessions_between(earlier.session, row.session) <= PREVIOUS_SESSIONS_MAX

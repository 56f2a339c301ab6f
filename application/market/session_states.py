"""What the market offers to a plan: by the session's stored row, or by the numbers of a request."""

from dataclasses import dataclass, replace
from datetime import date

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
    is_stale,
    labelled,
    merged,
    session_state,
)
from domain.market.vix_regime import VixInputs, classify
from domain.shared.errors import Defect, Invalid


class PutSessionState:
    """A person's numbers for one session; the numbers they replace stay as a revision.

    Invalid `not_a_session`, `future_session`, `vix_source_mismatch`, `invalid_market_state`.
    """

    def __init__(self, record: RecordMarketState) -> None:
        self._record = record

    def __call__(self, offer: StateOffer, work: UnitOfWork) -> MarketStateRow:
        """The session's row afterwards."""
        recorded = self._record([offer], work)
        if not recorded.rows:
            raise Invalid("invalid_market_state", "A row holds at least one number.")
        return recorded.rows[0]


class CurrentSessionState:
    """The newest row visible now, of the session or one before it; None when it is older or has
    no VIX. The label is read with the settings of now, so a forced regime holds at once."""

    def __init__(self, sessions: SessionCalendar) -> None:
        self._sessions = sessions

    def __call__(self, session: date, work: UnitOfWork) -> SessionState | None:
        """What every plan of the session is offered."""
        calendar = self._sessions()
        row = work.market_state.newest_at(work.now, session)
        if row is None or is_stale(row, session, calendar):
            return None
        before = work.market_state.before(row.session, PREVIOUS_SESSIONS_MAX)
        rules = regime_settings(work).rules()
        (current,) = labelled([row], before, rules, calendar)
        return session_state([*before, current], row.session, calendar)


@dataclass(frozen=True, slots=True)
class RequestNumbers:
    """Numbers sent inside a request; they decide that request."""

    inputs: VixInputs
    vix_source: VixSource = VixSource.VIX

    def offer(self, session: date) -> StateOffer:
        """As a row of the weakest source."""
        given = {
            "vix": self.inputs.vix,
            "t2108": self.inputs.t2108,
            "momentum_ratio": self.inputs.momentum_ratio,
        }
        values = {name: value for name, value in given.items() if value is not None}
        return StateOffer(session, StateSource.REQUEST, values, self.vix_source)


class OfferRequestState:
    """The request's numbers are classified as they are, without hysteresis, and compared with
    stored rows of earlier sessions. They are kept as the session's row only if it has none.

    Invalid `not_a_session`, `future_session`, `invalid_market_state`.
    """

    def __init__(self, record: RecordMarketState, sessions: SessionCalendar) -> None:
        self._record = record
        self._sessions = sessions

    def __call__(self, numbers: RequestNumbers, session: date, work: UnitOfWork) -> SessionState:
        """What decides this request."""
        calendar = self._sessions()
        offer = numbers.offer(session)
        row = merged(None, offer, calendar, work.now)
        if row is None:
            raise Defect("no_numbers", "A request's numbers hold at least a VIX.")
        rules = regime_settings(work).rules()
        before = work.market_state.before(session, PREVIOUS_SESSIONS_MAX)
        self._keep(offer, work)
        alone = replace(row, label=classify(numbers.inputs, rules))
        state = session_state([*before, alone], session, calendar)
        if state is None:
            raise Defect("no_numbers", "A request's numbers hold at least a VIX.")
        return state

    def _keep(self, offer: StateOffer, work: UnitOfWork) -> None:
        if work.market_state.find(offer.session) is not None:
            return
        try:
            self._record([offer], work)
        except Invalid as refused:
            # Rows of another index lie beside it: the numbers decide the request and are not kept.
            if refused.code != "vix_source_mismatch":
                raise

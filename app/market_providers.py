"""Wires the market's state, its regimes and breadth."""

from dishka import Provider, Scope, provide

from application.market.breadth_queries import BreadthQueries
from application.market.change_regime_settings import ChangeRegimeSettings
from application.market.market_state_queries import MarketStateQueries
from application.market.record_market_state import RecordMarketState
from application.market.session_calendar import SessionCalendar
from application.market.session_states import (
    CurrentSessionState,
    OfferRequestState,
    PutSessionState,
)


class MarketStates(Provider):
    """Use cases of the market's state."""

    scope = Scope.APP

    sessions = provide(SessionCalendar)
    record = provide(RecordMarketState)
    put_session = provide(PutSessionState)
    current = provide(CurrentSessionState)
    offer_request = provide(OfferRequestState)
    change_settings = provide(ChangeRegimeSettings)
    state_queries = provide(MarketStateQueries)
    breadth_queries = provide(BreadthQueries)

"""Is a market open at an instant, and when does it open next."""

from dataclasses import dataclass
from datetime import datetime

from domain.market.trading_calendar import MarketPhase, Session, TradingCalendar
from domain.shared.errors import Invalid


@dataclass(frozen=True, slots=True)
class MarketStatus:
    """`session` is the trading day the instant belongs to, extended hours included; else null."""

    calendar: str
    at: datetime
    phase: MarketPhase
    session: Session | None
    next_open: datetime | None


def market_status(calendar: TradingCalendar, at: datetime) -> MarketStatus:
    """Status at an instant. Invalid `calendar_range` outside the table's days."""
    if not calendar.first_day < at.date() < calendar.last_day:
        raise Invalid(
            "calendar_range",
            f"The table of {calendar.name} covers {calendar.first_day} to {calendar.last_day}.",
        )
    phase = calendar.phase(at)
    following = calendar.next_session(at)
    session = {
        MarketPhase.REGULAR: calendar.session_of(at),
        MarketPhase.PRE: following,
        MarketPhase.POST: calendar.last_closed(at),
        MarketPhase.CLOSED: None,
    }[phase]
    opens = None if following is None else following.opens_at
    return MarketStatus(calendar.name, at, phase, session, opens)

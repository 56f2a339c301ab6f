"""The market's state, one row per session, and what one session offers to every plan alike.

Every number keeps the source it came from; a weaker source never replaces a stronger one. Changes
are measured against stored rows of earlier sessions, never against the last call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from domain.market.breadth import BREADTH_FIELDS, momentum_ratio
from domain.market.market_regime import SessionState
from domain.market.market_sources import StateSource, VixSource
from domain.market.trading_calendar import TradingCalendar
from domain.market.vix_regime import HeldRegime, VixInputs, VixLabel, VixRules, classify
from domain.shared.errors import FieldFault, Invalid

CALENDAR = "XNYS"
PREVIOUS_SESSIONS_MAX = 5
FRESH_SESSIONS_MAX = 1
VIX_DELAY = timedelta(seconds=900)
BREADTH_DELAY = timedelta(seconds=3600)

STATE_FIELDS = ("vix", "t2108", "momentum_ratio", *BREADTH_FIELDS)
_COUNT = (Decimal(0), Decimal(10_000))
_RATIO = (Decimal("0.001"), Decimal(100))
_PERCENT = (Decimal(0), Decimal(100))
RANGES: Mapping[str, tuple[Decimal, Decimal]] = {
    **dict.fromkeys(BREADTH_FIELDS, _COUNT),
    "vix": (Decimal(5), Decimal(100)),
    "t2108": _PERCENT,
    "pct_above_sma40": _PERCENT,
    "momentum_ratio": _RATIO,
    "ratio5": _RATIO,
    "ratio10": _RATIO,
    "sp_close": (Decimal("0.01"), Decimal("99999.99")),
}


def require_in_range(values: Mapping[str, Decimal | None]) -> None:
    """Invalid `invalid_market_state` names every number that is unknown or out of range."""
    faults = tuple(
        FieldFault(f"/{name}", "out_of_range", range_of(name))
        if name in RANGES
        else FieldFault(f"/{name}", "unknown_field", "not a number of the market's state")
        for name, value in values.items()
        if not fits(name, value)
    )
    if faults:
        raise Invalid("invalid_market_state", "Numbers are out of range.", errors=faults)


@dataclass(frozen=True, slots=True)
class StateOffer:
    """Numbers for one session from one source; a null takes a stored number away."""

    session: date
    source: StateSource
    values: Mapping[str, Decimal | None] = field(hash=False)
    vix_source: VixSource = VixSource.VIX

    def __post_init__(self) -> None:
        require_in_range(self.values)


@dataclass(frozen=True, slots=True)
class MarketStateRow:
    """One session. `values` holds what is known, `sources` where each number came from.

    `visible_at`: close of the session + the largest publication delay of its numbers, or the
    moment of writing when that was earlier. `label` is null without a VIX.
    """

    session: date
    values: Mapping[str, Decimal] = field(hash=False)
    sources: Mapping[str, StateSource] = field(hash=False)
    vix_source: VixSource
    visible_at: datetime
    recorded_at: datetime
    label: VixLabel | None = None
    revision: int = 1

    @property
    def vix(self) -> Decimal | None:
        """The 30-day index (or the 1-day one, by `vix_source`) in points."""
        return self.values.get("vix")

    @property
    def t2108(self) -> Decimal | None:
        """Percentage of stocks above their 40-day average."""
        return self.values.get("t2108")

    @property
    def momentum_ratio(self) -> Decimal | None:
        """As given, else from the session's up4 and down4."""
        given, up4, down4 = (self.values.get(n) for n in ("momentum_ratio", "up4", "down4"))
        if given is not None or up4 is None or down4 is None:
            return given
        return momentum_ratio(up4, down4)

    @property
    def source(self) -> StateSource:
        """The strongest source among its numbers."""
        return max(self.sources.values(), key=lambda source: source.rank)

    @property
    def inputs(self) -> VixInputs | None:
        """What is classified; None without a VIX."""
        return None if self.vix is None else VixInputs(self.vix, self.t2108, self.momentum_ratio)

    @property
    def breadth(self) -> dict[str, Decimal]:
        """The counts and ratios, t2108 not among them."""
        return {name: self.values[name] for name in BREADTH_FIELDS if name in self.values}


def merged(
    row: MarketStateRow | None, offer: StateOffer, calendar: TradingCalendar, at: datetime
) -> MarketStateRow | None:
    """The row with the offer's numbers where their source is not weaker; not labelled yet.

    The same row when nothing changes; None when nothing is known. Invalid `not_a_session` and
    `future_session` for a day that is no session of the calendar or has not begun.
    """
    closes_at = require_session(offer.session, calendar, at)
    values = {} if row is None else dict(row.values)
    sources = {} if row is None else dict(row.sources)
    vix_source = offer.vix_source if row is None else row.vix_source
    for name, value in offer.values.items():
        if name in sources and sources[name].rank > offer.source.rank:
            continue
        values.pop(name, None)
        sources.pop(name, None)
        if value is not None:
            values[name], sources[name] = value, offer.source
        if name == "vix":
            vix_source = offer.vix_source
    if not values:
        return None
    if row is not None and (values, sources, vix_source) == (
        dict(row.values), dict(row.sources), row.vix_source,
    ):  # fmt: skip
        return row
    delay = VIX_DELAY if values.keys() <= {"vix"} else BREADTH_DELAY
    return MarketStateRow(
        session=offer.session,
        values=values,
        sources=sources,
        vix_source=vix_source,
        visible_at=min(closes_at + delay, at),
        recorded_at=at,
        revision=1 if row is None else row.revision + 1,
    )


def require_session(day: date, calendar: TradingCalendar, at: datetime) -> datetime:
    """When the session closes. Invalid `not_a_session` or `future_session`."""
    if not calendar.first_day <= day <= calendar.last_day or not calendar.is_session(day):
        raise Invalid("not_a_session", f"{day} is not a session of {calendar.name}.")
    session = calendar.session(day)
    if session.opens_at > at:
        raise Invalid("future_session", f"The session of {day} has not begun.")
    return session.closes_at


def current_session(calendar: TradingCalendar, at: datetime) -> date | None:
    """The session that runs, else the last one that closed."""
    session = calendar.session_of(at) or calendar.last_closed(at)
    return None if session is None else session.day


def is_stale(row: MarketStateRow, session: date, calendar: TradingCalendar) -> bool:
    """Older than one session: it changes neither a regime nor a parameter."""
    return calendar.sessions_between(row.session, session) > FRESH_SESSIONS_MAX


def labelled(
    rows: Sequence[MarketStateRow],
    before: Sequence[MarketStateRow],
    rules: VixRules,
    calendar: TradingCalendar,
) -> list[MarketStateRow]:
    """The rows, ascending, each with its label; hysteresis starts from `before`, already labelled.

    A row without VIX has no label and is passed over. Hysteresis ends where more than five sessions
    lie between two rows, or where `vix_source` changes.
    """
    known = [*before]
    result = []
    for row in rows:
        inputs = row.inputs
        label = classify(inputs, rules, held_before(row, known, calendar)) if inputs else None
        done = replace(row, label=label)
        result.append(done)
        known = [*known[-PREVIOUS_SESSIONS_MAX:], done]
    return result


def held_before(
    row: MarketStateRow, rows: Sequence[MarketStateRow], calendar: TradingCalendar
) -> HeldRegime | None:
    """What hysteresis remembers when the row's session begins."""
    previous = _latest(rows, row.session, calendar, "vix")
    if previous is None or previous.label is None or previous.vix_source is not row.vix_source:
        return None
    return previous.label.held


def session_state(
    rows: Sequence[MarketStateRow], session: date, calendar: TradingCalendar
) -> SessionState | None:
    """What the session's labelled row offers; None without a row that has a VIX.

    Previous numbers are those of the newest earlier row that has them, at most five sessions old.
    T2108 is compared with the oldest row within the five sessions before. A previous momentum of
    zero is null, because nothing can be measured against it.
    """
    row = next((r for r in rows if r.session == session), None)
    if row is None or row.vix is None or row.label is None:
        return None
    before = [r for r in rows if 0 < calendar.sessions_between(r.session, session) <= 5]
    earlier = _latest(before, session, calendar, "vix")
    comparable = earlier is not None and earlier.vix_source is row.vix_source
    oldest = next((r.t2108 for r in before if r.t2108 is not None), None)
    previous_ratio = next((r.momentum_ratio for r in reversed(before) if r.momentum_ratio), None)
    return SessionState(
        session=session,
        vix=row.vix,
        regime=row.label.regime,
        t2108=row.t2108,
        momentum_ratio=row.momentum_ratio,
        vix_change=_minus(row.vix, earlier.vix) if earlier is not None and comparable else None,
        t2108_change=_minus(row.t2108, oldest),
        momentum_previous=previous_ratio,
    )


def require_same_vix(
    row: MarketStateRow, neighbours: Sequence[MarketStateRow], calendar: TradingCalendar
) -> None:
    """Invalid `vix_source_mismatch` when a row within five sessions compares another index."""
    if row.vix is None:
        return
    for other in neighbours:
        distance = abs(calendar.sessions_between(other.session, row.session))
        if (
            0 < distance <= PREVIOUS_SESSIONS_MAX
            and other.vix is not None
            and other.vix_source is not row.vix_source
        ):
            raise Invalid(
                "vix_source_mismatch",
                f"The row of {other.session} holds {other.vix_source.value}; a comparison never "
                "mixes the two.",
                context={"session": str(other.session), "vix_source": other.vix_source.value},
            )


def _latest(
    rows: Sequence[MarketStateRow], session: date, calendar: TradingCalendar, name: str
) -> MarketStateRow | None:
    for row in reversed(rows):
        if row.session < session and name in row.values:
            age = calendar.sessions_between(row.session, session)
            return row if age <= PREVIOUS_SESSIONS_MAX else None
    return None


def _minus(now: Decimal | None, then: Decimal | None) -> Decimal | None:
    return None if now is None or then is None else now - then


def range_of(name: str) -> str:
    """What a number may be, in words."""
    least, most = RANGES[name]
    return f"{least} to {most}" + (", whole" if RANGES[name] is _COUNT else "")


def fits(name: str, value: Decimal | None) -> bool:
    """True for a number in its range, whole where it counts stocks, and for null."""
    if name not in RANGES:
        return False
    least, most = RANGES[name]
    if value is None:
        return True
    if not value.is_finite() or not least <= value <= most:
        return False
    return RANGES[name] is not _COUNT or value == value.to_integral_value()

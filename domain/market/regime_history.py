"""How the regime of the market went: changes, unbroken stretches, the reading of the newest row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from domain.market.market_regime import MarketRegime
from domain.market.market_state import PREVIOUS_SESSIONS_MAX, MarketStateRow
from domain.market.regime_reading import (
    MARKET_SCOPE,
    LabelledSession,
    ReadingStatus,
    RegimeReading,
    Taxonomy,
)
from domain.market.trading_calendar import TradingCalendar
from domain.market.vix_regime import STRESS_LEVELS, VixLabel

FORCED = "forced"


@dataclass(frozen=True, slots=True)
class RegimeChange:
    """The first session of a label. `previous_label` is null after more than five sessions
    without a row, because nobody knows what lay between. `is_announced` once an event told of it,
    which waits until the newest row is current."""

    as_of: date
    label: str
    previous_label: str | None
    stress_level: int
    confidence: Decimal
    inputs: dict[str, Decimal] = field(hash=False)
    profile: str
    source: str
    shifted_by: str | None = None
    taxonomy: str = Taxonomy.VIX_REGIME.value
    scope: str = MARKET_SCOPE
    is_announced: bool = False


def regime_changes(
    rows: Sequence[MarketStateRow],
    before: Sequence[MarketStateRow],
    profile: str,
    calendar: TradingCalendar,
) -> list[RegimeChange]:
    """Sessions of `rows`, ascending, whose label differs from the row before; `before` holds the
    rows that lead up to them."""
    last = next((row for row in reversed(before) if row.label is not None), None)
    changes = []
    for row in rows:
        if row.label is None:
            continue
        held = last.label if last is not None and _follows(last, row, calendar) else None
        if held is None or held.regime is not row.label.regime:
            changes.append(_change(row, row.label, None if held is None else held.regime, profile))
        last = row
    return changes


def stretches(
    rows: Sequence[MarketStateRow], calendar: TradingCalendar
) -> list[list[LabelledSession]]:
    """Labelled sessions, parted where more than five sessions lie between two rows."""
    parts: list[list[LabelledSession]] = []
    last: MarketStateRow | None = None
    for row in rows:
        if row.label is None:
            continue
        if last is None or not _follows(last, row, calendar):
            parts.append([])
        parts[-1].append(LabelledSession(row.session, row.label.regime.value))
        last = row
    return parts


def reading(row: MarketStateRow, label: VixLabel, change: RegimeChange, bars: int) -> RegimeReading:
    """The reading of a labelled row; `bars` sessions have borne its label since `change`."""
    return RegimeReading(
        taxonomy=Taxonomy.VIX_REGIME,
        scope=MARKET_SCOPE,
        label=label.regime.value,
        stress_level=STRESS_LEVELS[label.regime],
        as_of=row.session,
        since=change.as_of,
        duration_bars=bars,
        previous_label=change.previous_label,
        confidence=label.confidence,
        inputs=regime_inputs(row),
        profile=change.profile,
        source=FORCED if label.is_forced else row.source.value,
        status=ReadingStatus.OK,
        shifted_by=None if label.shifted_by is None else label.shifted_by.value,
    )


def regime_inputs(row: MarketStateRow) -> dict[str, Decimal]:
    """The numbers the label was read from, those that are there."""
    given = {"vix": row.vix, "t2108": row.t2108, "momentum_ratio": row.momentum_ratio}
    return {name: value for name, value in given.items() if value is not None}


def _change(
    row: MarketStateRow, label: VixLabel, previous: MarketRegime | None, profile: str
) -> RegimeChange:
    return RegimeChange(
        as_of=row.session,
        label=label.regime.value,
        previous_label=None if previous is None else previous.value,
        stress_level=STRESS_LEVELS[label.regime],
        confidence=label.confidence,
        inputs=regime_inputs(row),
        profile=profile,
        source=FORCED if label.is_forced else row.source.value,
        shifted_by=None if label.shifted_by is None else label.shifted_by.value,
    )


def _follows(last: MarketStateRow, row: MarketStateRow, calendar: TradingCalendar) -> bool:
    return calendar.sessions_between(last.session, row.session) <= PREVIOUS_SESSIONS_MAX

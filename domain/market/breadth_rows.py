"""Breadth of sessions as readers see it: values, ratios over sessions, score and advice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from domain.market.breadth import (
    BREADTH_FIELDS,
    BreadthRules,
    BreadthScore,
    EntryFilter,
    breadth_score,
    entry_filter,
    summed_ratio,
)
from domain.market.market_state import MarketStateRow
from domain.market.trading_calendar import TradingCalendar

RATIO_SESSIONS = {"ratio5": 5, "ratio10": 10}
LEAD_SESSIONS = max(RATIO_SESSIONS.values()) - 1
SUMMARY_FIELDS = ("t2108", "momentum_ratio", *BREADTH_FIELDS)


@dataclass(frozen=True, slots=True)
class BreadthRow:
    """One session with breadth. `derived` names ratios summed here from stored counts."""

    row: MarketStateRow
    values: Mapping[str, Decimal] = field(hash=False)
    derived: tuple[str, ...]
    score: BreadthScore
    entry_filter: EntryFilter | None


@dataclass(frozen=True, slots=True)
class BreadthSummary:
    """How much breadth is stored; shares are fractions of the rows, by field."""

    rows: int
    first: date | None
    last: date | None
    present: Mapping[str, Decimal] = field(hash=False)


def breadth_rows(
    rows: Sequence[MarketStateRow], rules: BreadthRules, calendar: TradingCalendar
) -> list[BreadthRow]:
    """Rows that hold breadth, ascending; `rows` also hold the sessions before them.

    A ratio that was not given is summed only when every one of its sessions has both counts.
    """
    by_session = {row.session: row for row in rows}
    return [_view(row, by_session, rules, calendar) for row in rows if has_breadth(row)]


def has_breadth(row: MarketStateRow) -> bool:
    """True when the row says anything about breadth."""
    return any(name in row.values for name in SUMMARY_FIELDS)


def summary(rows: Sequence[MarketStateRow]) -> BreadthSummary:
    """Totals over rows in ascending order."""
    held = [row for row in rows if has_breadth(row)]
    if not held:
        return BreadthSummary(0, None, None, {})
    counts = {name: sum(name in row.values for row in held) for name in SUMMARY_FIELDS}
    shares = {name: Decimal(count) / len(held) for name, count in counts.items() if count}
    return BreadthSummary(
        len(held),
        held[0].session,
        held[-1].session,
        {name: round(share, 10) for name, share in shares.items()},
    )


def _view(
    row: MarketStateRow,
    by_session: Mapping[date, MarketStateRow],
    rules: BreadthRules,
    calendar: TradingCalendar,
) -> BreadthRow:
    values = dict(row.breadth)
    if row.t2108 is not None:
        values["t2108"] = row.t2108
    derived = []
    for name, sessions in RATIO_SESSIONS.items():
        ratio = None if name in values else _ratio(row.session, sessions, by_session, calendar)
        if ratio is not None:
            values[name] = ratio
            derived.append(name)
    return BreadthRow(
        row, values, tuple(derived), breadth_score(values, rules), entry_filter(values)
    )


def _ratio(
    last: date,
    sessions: int,
    by_session: Mapping[date, MarketStateRow],
    calendar: TradingCalendar,
) -> Decimal | None:
    counts = []
    for back in range(sessions):
        row = by_session.get(calendar.add_sessions(last, -back))
        if row is None or "up4" not in row.values or "down4" not in row.values:
            return None
        counts.append((row.values["up4"], row.values["down4"]))
    return summed_ratio(counts)

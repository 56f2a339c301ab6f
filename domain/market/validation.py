"""The one candle checker, for downloads, imports, live bars and backtests. It never alters a price.

Rows that cannot be candles (not finite, not positive, wrong order of prices, negative volume,
conflicting duplicates) make data unusable. Misaligned and unclosed rows are set aside; exact
duplicates keep one row; a daily row on a day without trading stays and is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.market.candle import PRICES, Candles, Mask, SeriesKey, Times, is_among, same_values
from domain.market.grid import Grid, grid
from domain.market.price_anomalies import price_anomalies
from domain.market.quality_report import (
    REJECTING,
    GapPolicy,
    Issue,
    IssueCode,
    QualityReport,
    Severity,
    capped,
    count_by_severity,
    is_usable,
)
from domain.market.timeframe import timeframe
from domain.market.trading_calendar import DAY_MS, TradingCalendar

DETAIL_TIMES_MAX = 20
_SEVERITY_OF_GAP = ((1, Severity.LOW), (10, Severity.MEDIUM), (100, Severity.HIGH))

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What the rows are measured against. Without a range, first open to last close."""

    key: SeriesKey
    calendar: TradingCalendar
    now_ms: int
    start_ms: int | None = None
    end_ms: int | None = None
    gap_policy: GapPolicy = GapPolicy.REJECT
    allows_non_positive: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """The report, the rows to keep (sorted, unique), and per code the offending input positions."""

    report: QualityReport
    rows: Candles
    faulty: Mapping[IssueCode, Indices]


@dataclass(slots=True)
class _Findings:
    times: Times
    issues: list[Issue] = field(default_factory=list)
    faulty: dict[IssueCode, Indices] = field(default_factory=dict)

    def note(self, code: IssueCode, severity: Severity, at: Indices, sentence: str) -> None:
        """One issue for all rows of a code; nothing when there are none."""
        if len(at):
            self.faulty[code] = at
            self.issues.append(_row_issue(code, severity, self.times[at], sentence))

    def count(self, *codes: IssueCode) -> int:
        """Distinct rows with one of the codes."""
        return len(self.positions(*codes))

    def positions(self, *codes: IssueCode) -> Indices:
        """Distinct rows with one of the codes, ascending."""
        parts = [self.faulty[code] for code in codes if code in self.faulty]
        return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)


def check_candles(rows: Candles, context: CheckContext) -> Checked:
    """Check rows in any order; the module's rule says what is kept."""
    found = _Findings(rows["open_time"])
    for code, severity, mask, sentence in _impossible(rows, context):
        found.note(code, severity, np.flatnonzero(mask), sentence)
    kept = _sorted_and_unique(rows, found)
    start_ms, end_ms = _range(rows, context)
    expected = grid(timeframe(context.key.interval), context.calendar, start_ms, end_ms)
    inside = rows["open_time"][kept] >= start_ms
    if context.end_ms is not None:
        inside &= rows["open_time"][kept] < end_ms
    kept = _placed(rows, kept[inside], expected, context, found)
    present = is_among(expected.opens, rows["open_time"][kept])
    if len(kept):
        found.issues.extend(_gaps(expected, present))
    else:
        nothing = Issue(IssueCode.EMPTY, Severity.CRITICAL, "No rows in range.", None, None, 0)
        found.issues.append(nothing)
    is_plausible = np.ones(len(rows), dtype=np.bool_)
    is_plausible[found.positions(*REJECTING)] = False
    found.issues.extend(price_anomalies(rows[kept[is_plausible[kept]]], context.calendar))
    report = _report(found, context, (start_ms, end_ms), present)
    return Checked(report, rows[kept], found.faulty)


def _impossible(
    rows: Candles, context: CheckContext
) -> list[tuple[IssueCode, Severity, Mask, str]]:
    opens, highs, lows, closes = (rows[name] for name in PRICES)
    finite = np.isfinite(opens) & np.isfinite(highs) & np.isfinite(lows) & np.isfinite(closes)
    volume = rows["volume"]
    non_finite = ~finite | np.isinf(volume)
    positive = (opens > 0) & (highs > 0) & (lows > 0) & (closes > 0)
    ordered = (lows <= np.minimum(opens, closes)) & (np.maximum(opens, closes) <= highs)
    critical = Severity.CRITICAL
    return [
        (IssueCode.NON_FINITE, critical, non_finite, "A price or volume is not a finite number."),
        (
            IssueCode.NON_POSITIVE_PRICE,
            critical,
            finite & ~positive & (not context.allows_non_positive),
            "A price is zero or negative.",
        ),
        (
            IssueCode.OHLC_ORDER,
            critical,
            finite & ~ordered,
            "Not low <= min(open, close) <= max(open, close) <= high.",
        ),
        (IssueCode.NEGATIVE_VOLUME, Severity.HIGH, volume < 0, "A volume is negative."),
    ]


def _sorted_and_unique(rows: Candles, found: _Findings) -> Indices:
    """Positions in time order, one per time; of several the first."""
    times = rows["open_time"]
    backward = np.flatnonzero(np.diff(times) < 0) + 1
    found.note(IssueCode.NOT_SORTED, Severity.LOW, backward, "Rows were not in time order.")
    order = np.argsort(times, kind="stable")
    repeats = np.zeros(len(order), dtype=np.bool_)
    repeats[1:] = np.diff(times[order]) == 0
    if not repeats.any():
        return order
    first_of_time = np.maximum.accumulate(np.where(repeats, 0, np.arange(len(order))))
    repeated, originals = order[repeats], order[first_of_time[repeats]]
    differs = ~same_values(rows[repeated], rows[originals])
    found.note(
        IssueCode.DUPLICATE_TIME,
        Severity.LOW,
        repeated[~differs],
        "Identical rows of one time; one is kept.",
    )
    found.note(
        IssueCode.CONFLICTING_DUPLICATE,
        Severity.HIGH,
        np.unique(np.concatenate([repeated[differs], originals[differs]])),
        "Rows of one time differ in their values.",
    )
    return order[~repeats]


def _range(rows: Candles, context: CheckContext) -> tuple[int, int]:
    first = int(rows["open_time"].min()) if len(rows) else 0
    closed = rows["close_time"][rows["close_time"] <= context.now_ms]
    last = int(closed.max()) if len(closed) else first
    start = first if context.start_ms is None else context.start_ms
    end = last if context.end_ms is None else context.end_ms
    return start, max(start, end)


def _placed(
    rows: Candles, kept: Indices, expected: Grid, context: CheckContext, found: _Findings
) -> Indices:
    """Without rows off the grid and rows that are not closed; daily rows off session are named."""
    times, closes = rows["open_time"][kept], rows["close_time"][kept]
    unclosed = closes > context.now_ms
    found.note(IssueCode.UNCLOSED, Severity.MEDIUM, kept[unclosed], "The bar was not complete yet.")
    off_grid = ~unclosed & ~is_among(times, expected.opens)
    if context.end_ms is not None:
        off_grid &= closes <= context.end_ms
    off_session = np.zeros(len(kept), dtype=np.bool_)
    if context.key.interval == "1d" and context.calendar.has_sessions:
        off_session = off_grid & ~_near_an_open(times, context.calendar)
        found.note(
            IssueCode.OFF_SESSION,
            Severity.LOW,
            kept[off_session],
            "A daily value on a day without trading; aligned reads leave it out.",
        )
    misaligned = off_grid & ~off_session
    found.note(
        IssueCode.MISALIGNED,
        Severity.HIGH,
        kept[misaligned],
        "The time is not the start of a bar on this calendar; the row is left out.",
    )
    return kept[~(unclosed | misaligned)]


def _near_an_open(times: Times, calendar: TradingCalendar) -> Mask:
    """True within half a day of a session's open: the day trades, the stamp is wrong."""
    at = np.searchsorted(calendar.opens_ms, times)
    before = calendar.opens_ms[np.maximum(at - 1, 0)]
    after = calendar.opens_ms[np.minimum(at, len(calendar.opens_ms) - 1)]
    distance: Times = np.minimum(np.abs(times - before), np.abs(after - times))
    near: Mask = distance < DAY_MS // 2
    return near


def _gaps(expected: Grid, present: Mask) -> list[Issue]:
    edges = np.diff(np.concatenate([[False], ~present, [False]]).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    issues = []
    for first, after in zip(starts.tolist(), ends.tolist(), strict=True):
        count = after - first
        severity = next((s for n, s in _SEVERITY_OF_GAP if count <= n), Severity.CRITICAL)
        issues.append(
            Issue(
                IssueCode.GAP,
                severity,
                f"{count} consecutive expected bars are missing.",
                int(expected.opens[first]),
                int(expected.closes[after - 1]),
                count,
                {"n": count},
            )
        )
    return issues


def _row_issue(code: IssueCode, severity: Severity, times: Times, sentence: str) -> Issue:
    ordered = np.sort(times)
    return Issue(
        code,
        severity,
        sentence,
        int(ordered[0]),
        int(ordered[-1]),
        len(times),
        {"open_times_ms": ordered[:DETAIL_TIMES_MAX].tolist()},
    )


def _report(
    found: _Findings, context: CheckContext, span: tuple[int, int], present: Mask
) -> QualityReport:
    completeness = float(present.sum() / len(present)) if len(present) else None
    listed, omitted = capped(found.issues)
    return QualityReport(
        series=context.key.id,
        start_ms=span[0],
        end_ms=span[1],
        total_candles=len(found.times),
        expected_candles=len(present),
        missing_candles=int((~present).sum()),
        duplicate_candles=found.count(IssueCode.DUPLICATE_TIME),
        invalid_candles=found.count(*REJECTING),
        completeness=completeness,
        usable=is_usable(found.issues, completeness, context.gap_policy),
        issues=listed,
        by_severity=count_by_severity(found.issues),
        issues_omitted=omitted,
    )

"""Moves and patterns that a real series rarely shows: jumps of scale, dead volume, copied opens."""

import numpy as np
from numpy.typing import NDArray

from domain.market.candle import Candles, Flag, Mask, Times
from domain.market.quality_report import Issue, IssueCode, Severity
from domain.market.trading_calendar import DAY_MS, TradingCalendar

EXTREME_MOVE = 0.5
SCALE_TOLERANCE = 0.02
SPLIT_RATIO_MAX = 20
STAYS_BARS = 5
ZERO_VOLUME_RUN = 20
COPIED_TOLERANCE = 1e-9
COPIED_SHARE = 0.5

Ratios = NDArray[np.float64]


def price_anomalies(rows: Candles, calendar: TradingCalendar) -> list[Issue]:
    """Findings on rows that are valid, sorted and unique."""
    if len(rows) < 2:
        return []
    closes = rows["close"]
    ratios = np.divide(closes[1:], closes[:-1], out=np.ones(len(rows) - 1), where=closes[:-1] != 0)
    issues = _extreme_moves(rows, ratios) + _scale_jumps(rows, ratios) + _dead_volume(rows)
    if calendar.has_sessions:
        issues += _copied_opens(rows)
    return issues


def _extreme_moves(rows: Candles, ratios: Ratios) -> list[Issue]:
    found = np.flatnonzero(np.abs(ratios - 1) > EXTREME_MOVE)
    return [
        _at(
            rows["open_time"],
            int(i) + 1,
            IssueCode.EXTREME_MOVE,
            Severity.MEDIUM,
            f"The close moved by {100 * (ratios[i] - 1):.1f} % in one bar.",
            {"ratio": float(ratios[i])},
        )
        for i in found
    ]


def _scale_jumps(rows: Candles, ratios: Ratios) -> list[Issue]:
    """A ratio near ×100, ÷100 or a whole split 2…20 (either way) between two levels that hold: up
    to five closes before it belong to the old one, up to five after it to the new. A spike and its
    return are no jump, and one bar at the end of the data decides nothing."""
    moved = np.flatnonzero((ratios > 1.9) | (ratios < 1 / 1.9))
    issues = []
    for i in moved.tolist():
        cause = _cause(float(ratios[i]))
        if cause is not None and _levels_hold(rows["close"], i):
            issues.append(
                _at(
                    rows["open_time"],
                    i + 1,
                    IssueCode.SCALE_JUMP,
                    Severity.HIGH,
                    f"The level changed by {cause} and stayed.",
                    {"ratio": float(ratios[i]), "likely_cause": cause},
                )
            )
    return issues


def _levels_hold(closes: Ratios, last_before: int) -> bool:
    earlier = closes[max(0, last_before + 1 - STAYS_BARS) : last_before + 1]
    later = closes[last_before + 1 : last_before + 2 + STAYS_BARS]
    if len(later) < 2 or min(earlier.min(), later.min()) <= 0:
        return False
    middle = np.log(earlier[-1] * later[0]) / 2
    rises = later[0] > earlier[-1]
    below, above = (earlier, later) if rises else (later, earlier)
    return bool(np.log(below).max() < middle < np.log(above).min())


def _cause(ratio: float) -> str | None:
    size = max(ratio, 1 / ratio) if ratio > 0 else 0.0
    rises = ratio > 1
    if abs(size / 100 - 1) <= SCALE_TOLERANCE:
        return "×100 (a change of currency unit)" if rises else "÷100 (a change of currency unit)"
    whole = round(size)
    if 2 <= whole <= SPLIT_RATIO_MAX and abs(size / whole - 1) <= SCALE_TOLERANCE:
        return f"×{whole} (a reverse split)" if rises else f"÷{whole} (a split)"
    return None


def _dead_volume(rows: Candles) -> list[Issue]:
    starts, ends = _runs(rows["volume"] == 0)
    return [
        Issue(
            IssueCode.ZERO_VOLUME_RUN,
            Severity.LOW,
            f"{end - start} consecutive bars have no volume.",
            int(rows["open_time"][start]),
            int(rows["open_time"][end - 1]),
            end - start,
            {"n": end - start},
        )
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if end - start >= ZERO_VOLUME_RUN
    ]


def _copied_opens(rows: Candles) -> list[Issue]:
    previous = rows["close"][:-1]
    copied = np.abs(rows["open"][1:] - previous) <= COPIED_TOLERANCE * np.abs(previous)
    copied &= (rows["flags"][1:] & Flag.CLOSE_ONLY) == 0
    days = (rows["open_time"][1:] // DAY_MS).astype("datetime64[D]")
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    issues = []
    for year in np.unique(years).tolist():
        of_year = years == year
        share = float(copied[of_year].mean())
        if share > COPIED_SHARE:
            times = rows["open_time"][1:][of_year]
            issues.append(
                Issue(
                    IssueCode.COPIED_OPEN,
                    Severity.MEDIUM,
                    f"In {year} the open equals the previous close on {100 * share:.0f} % of bars.",
                    int(times[0]),
                    int(times[-1]),
                    int(copied[of_year].sum()),
                    {"year": year, "share": share},
                )
            )
    return issues


def _runs(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def _at(
    times: Times,
    index: int,
    code: IssueCode,
    severity: Severity,
    text: str,
    details: dict[str, object],
) -> Issue:
    at = int(times[index])
    return Issue(code, severity, text, at, at, 1, details)

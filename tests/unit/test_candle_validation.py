from datetime import UTC, date, datetime

import numpy as np
import pytest

from domain.market.candle import SeriesKey, candles_from, close_only, content_hash, to_ms
from domain.market.grid import close_times, session_opens
from domain.market.quality_report import GapPolicy, IssueCode, Severity
from domain.market.timeframe import timeframe
from domain.market.trading_calendar import TradingCalendar
from domain.market.validation import CheckContext, check_candles
from tests.support.market import HOUR_MS, NOW, hourly, xnys

HOURLY = SeriesKey("imported", "BTC-USD", "1h")
DAILY = SeriesKey("imported", "SPX", "1d")


def check(rows, key=HOURLY, calendar=None, **options):
    options.setdefault("now_ms", to_ms(NOW))
    return check_candles(
        rows, CheckContext(key, calendar or TradingCalendar.always_open(), **options)
    )


def codes(checked):
    return {issue.code.value: issue for issue in checked.report.issues}


def daily(first: date, count: int):
    calendar = xnys()
    days = np.array(
        [
            (s.day - date(1970, 1, 1)).days
            for s in calendar.sessions(first, date(2026, 1, 1))[:count]
        ]
    )
    opens = session_opens(calendar, days)
    rows = candles_from(
        {"open_time": opens, "close_time": close_times(timeframe("1d"), calendar, opens)}
    )
    for name in ("open", "high", "low", "close"):
        rows[name] = 100.0 + np.arange(count) * 0.5
    return rows


def test_a_clean_series_is_complete_usable_and_without_issues():
    report = check(hourly(48)).report
    assert (report.expected_candles, report.missing_candles, report.completeness) == (48, 0, 1.0)
    assert report.usable and report.issues == ()
    assert report.by_severity == {"low": 0, "medium": 0, "high": 0, "critical": 0}


@pytest.mark.parametrize(
    ("column", "value", "code", "severity"),
    [
        ("close", np.nan, "non_finite", "critical"),
        ("high", np.inf, "non_finite", "critical"),
        ("volume", np.inf, "non_finite", "critical"),
        ("low", 0.0, "non_positive_price", "critical"),
        ("low", -1.0, "non_positive_price", "critical"),
        ("high", 1.0, "ohlc_order", "critical"),
        ("low", 1e6, "ohlc_order", "critical"),
        ("volume", -1.0, "negative_volume", "high"),
    ],
)
def test_a_row_that_cannot_be_a_candle_makes_data_unusable_and_is_located(
    column, value, code, severity
):
    rows = hourly(48)
    rows[column][7] = value
    checked = check(rows, gap_policy=GapPolicy.WARN)
    issue = codes(checked)[code]
    assert issue.severity is Severity(severity) and issue.affected_rows == 1
    assert issue.start_ms == int(rows["open_time"][7])
    assert checked.faulty[IssueCode(code)].tolist() == [7]
    assert not checked.report.usable
    assert checked.report.invalid_candles == 1


def test_an_instrument_may_allow_prices_at_or_below_zero():
    rows = hourly(48)
    for name in ("open", "high", "low", "close"):
        rows[name] = -37.63
    assert "non_positive_price" not in codes(check(rows, allows_non_positive=True))


def test_a_volume_nobody_gave_is_no_fault():
    rows = hourly(48)
    rows["volume"] = np.nan
    assert check(rows).report.usable


def test_identical_duplicates_keep_one_row_and_conflicting_ones_reject():
    rows = hourly(48)
    same = check(np.concatenate([rows, rows[3:5]]))
    assert len(same.rows) == 48 and same.report.duplicate_candles == 2 and same.report.usable
    assert codes(same)["duplicate_time"].severity is Severity.LOW
    other = rows[3:4].copy()
    other["close"] += 0.5
    conflict = check(np.concatenate([rows, other]))
    assert codes(conflict)["conflicting_duplicate"].severity is Severity.HIGH
    assert sorted(conflict.faulty[IssueCode.CONFLICTING_DUPLICATE].tolist()) == [3, 48]
    assert not conflict.report.usable


def test_rows_out_of_order_are_sorted_and_said():
    rows = hourly(48)[::-1].copy()
    checked = check(rows)
    assert codes(checked)["not_sorted"].affected_rows == 47
    assert np.all(np.diff(checked.rows["open_time"]) > 0)
    assert checked.report.usable


def test_a_row_off_the_grid_is_left_out_and_counts_as_missing():
    rows = hourly(48)
    rows["open_time"][10] += 60_000
    checked = check(rows, gap_policy=GapPolicy.WARN)
    assert codes(checked)["misaligned"].affected_rows == 1
    assert len(checked.rows) == 47 and checked.report.missing_candles == 1
    assert checked.report.usable


def test_a_bar_that_is_still_running_is_left_out():
    rows = hourly(48)
    checked = check(rows, now_ms=int(rows["close_time"][-1]) - 1)
    assert codes(checked)["unclosed"].affected_rows == 1
    assert len(checked.rows) == 47 and checked.report.missing_candles == 0
    assert len(check(rows, now_ms=int(rows["close_time"][-1])).rows) == 48


@pytest.mark.parametrize(
    ("missing", "severity"),
    [
        (1, "low"),
        (2, "medium"),
        (5, "medium"),
        (10, "medium"),
        (11, "high"),
        (100, "high"),
        (101, "critical"),
    ],
)
def test_one_run_of_missing_bars_is_one_issue_graded_by_its_length(missing, severity):
    rows = hourly(300)
    checked = check(np.delete(rows, slice(20, 20 + missing)), gap_policy=GapPolicy.WARN)
    gaps = [issue for issue in checked.report.issues if issue.code is IssueCode.GAP]
    assert len(gaps) == 1
    assert gaps[0].affected_rows == missing and gaps[0].severity is Severity(severity)
    assert gaps[0].start_ms == int(rows["open_time"][20])
    assert gaps[0].end_ms == int(rows["open_time"][20 + missing])


def test_the_range_asked_for_counts_bars_missing_at_its_ends():
    rows = hourly(24)
    start = int(rows["open_time"][0])
    report = check(rows, start_ms=start - 2 * HOUR_MS, end_ms=start + 30 * HOUR_MS).report
    assert (report.expected_candles, report.missing_candles) == (32, 8)
    assert report.completeness == 24 / 32 and not report.usable


def test_a_day_with_a_missing_minute_and_a_dead_evening_is_unusable_for_a_backtest():
    start = to_ms(datetime(2018, 4, 4, tzinfo=UTC))
    minutes = np.array([m for m in range(1007 + 1) if m != 16 * 60 + 46])
    opens = start + minutes * 60_000
    rows = candles_from({"open_time": opens, "close_time": opens + 60_000})
    for name in ("open", "high", "low", "close"):
        rows[name] = 7000.0
    day = {"start_ms": start, "end_ms": start + 86_400_000}
    checked = check(rows, SeriesKey("imported", "BTC-USD", "1m"), **day)
    report = checked.report
    assert (report.expected_candles, report.missing_candles) == (1440, 433)
    assert round(report.completeness, 6) == 0.699306
    gaps = [(i.affected_rows, i.severity.value) for i in report.issues if i.code is IssueCode.GAP]
    assert gaps == [(1, "low"), (432, "critical")]
    assert not report.usable
    assert check(
        rows, SeriesKey("imported", "BTC-USD", "1m"), gap_policy=GapPolicy.WARN, **day
    ).report.usable


def test_no_rows_is_critical():
    report = check(hourly(0)).report
    assert report.issues[0].code is IssueCode.EMPTY and not report.usable


def test_an_extreme_move_is_reported_and_changes_nothing():
    rows = hourly(48)
    for name in ("open", "high", "low", "close"):
        rows[name][20] *= 1.6
    checked = check(rows)
    assert codes(checked)["extreme_move"].severity is Severity.MEDIUM
    assert checked.report.usable and content_hash(checked.rows) == content_hash(rows)


@pytest.mark.parametrize(
    ("factor", "cause"), [(100, "×100"), (0.01, "÷100"), (0.5, "÷2"), (1 / 7, "÷7"), (20, "×20")]
)
def test_a_level_that_jumps_by_a_whole_ratio_and_stays_names_its_likely_cause(factor, cause):
    rows = hourly(48)
    for name in ("open", "high", "low", "close"):
        rows[name][20:] *= factor
    issue = codes(check(rows))["scale_jump"]
    assert issue.severity is Severity.HIGH and issue.details["likely_cause"].startswith(cause)


def test_a_spike_that_returns_is_no_jump_of_scale():
    rows = hourly(48)
    for name in ("open", "high", "low", "close"):
        rows[name][20] *= 2
    assert "scale_jump" not in codes(check(rows))


def test_twenty_bars_without_volume_are_a_run_and_nineteen_are_not():
    rows = hourly(60)
    rows["volume"][5:24] = 0
    assert "zero_volume_run" not in codes(check(rows))
    rows["volume"][24] = 0
    assert codes(check(rows))["zero_volume_run"].affected_rows == 20


def test_opens_copied_from_the_previous_close_are_named_by_year_on_session_calendars_only():
    rows = daily(date(2001, 1, 2), 200)
    rows["open"][1:] = rows["close"][:-1]
    rows["low"] = np.minimum(rows["open"], rows["close"])
    checked = check(rows, DAILY, xnys())
    assert codes(checked)["copied_open"].details["year"] == 2001
    hours = hourly(48)
    hours["open"][1:] = hours["close"][:-1]
    assert "copied_open" not in codes(check(hours))


def test_a_daily_value_on_a_holiday_stays_and_is_named_off_session():
    calendar = xnys()
    days = np.array([(date(2024, 7, d) - date(1970, 1, 1)).days for d in (2, 3, 4, 5)])
    opens = session_opens(calendar, days)
    closes = close_times(timeframe("1d"), calendar, opens)
    checked = check(close_only(opens, closes, np.array([1.0, 1.1, 1.2, 1.3])), DAILY, calendar)
    assert codes(checked)["off_session"].affected_rows == 1
    assert len(checked.rows) == 4 and checked.report.usable
    assert checked.report.expected_candles == 3 and checked.report.missing_candles == 0


def test_daily_rows_stamped_with_midnight_are_misaligned_on_a_session_calendar():
    rows = daily(date(2024, 1, 2), 5)
    rows["open_time"] = rows["open_time"] // 86_400_000 * 86_400_000 + 5 * HOUR_MS
    checked = check(rows, DAILY, xnys(), gap_policy=GapPolicy.WARN)
    assert codes(checked)["misaligned"].affected_rows == 5
    assert not checked.report.usable


def test_issues_are_capped_with_a_count_of_the_rest_and_rejecting_ones_come_first():
    rows = hourly(1400)
    rows["close"][1399] = np.nan
    checked = check(rows[np.arange(1400) % 2 == 1][:1400], gap_policy=GapPolicy.WARN)
    assert len(checked.report.issues) == 500
    assert checked.report.issues_omitted > 190
    assert checked.report.issues[0].code is IssueCode.NON_FINITE

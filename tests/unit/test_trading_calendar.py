from datetime import UTC, date, datetime, timedelta

import pytest

from domain.market.candle import from_ms, to_ms
from domain.market.grid import grid
from domain.market.timeframe import timeframe
from domain.market.trading_calendar import MarketPhase, TradingCalendar
from domain.shared.errors import Invalid, Unavailable
from tests.support.market import xnys

ALWAYS = TradingCalendar.always_open()
WEEKDAYS = TradingCalendar.weekdays()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("year", "count"), [(2024, 252), (2025, 250), (2026, 251)])
def test_new_york_has_the_known_number_of_sessions(year, count):
    assert len(xnys().sessions(date(year, 1, 1), date(year + 1, 1, 1))) == count


def test_special_closures_early_closes_and_clock_changes_are_in_the_table():
    calendar = xnys()
    assert not calendar.is_session(date(2025, 1, 9))
    july = calendar.session(date(2024, 7, 3))
    assert july.closes_at == at("2024-07-03T17:00") and july.is_early_close
    assert calendar.session(date(2024, 11, 29)).closes_at == at("2024-11-29T18:00")
    assert calendar.session(date(2024, 3, 8)).opens_at == at("2024-03-08T14:30")
    assert calendar.session(date(2024, 3, 11)).opens_at == at("2024-03-11T13:30")


def test_sessions_between_counts_sessions_after_the_first_day_up_to_the_second():
    calendar = xnys()
    friday, monday = date(2024, 3, 8), date(2024, 3, 11)
    assert calendar.sessions_between(friday, friday) == 0
    assert calendar.sessions_between(friday, monday) == 1
    assert calendar.sessions_between(friday, date(2024, 3, 10)) == 0
    assert calendar.sessions_between(monday, friday) == -1


def test_adding_sessions_skips_weekends_and_holidays_and_inverts():
    calendar = xnys()
    assert calendar.add_sessions(date(2024, 7, 3), 1) == date(2024, 7, 5)
    assert calendar.add_sessions(date(2024, 7, 6), 0) == date(2024, 7, 5)
    assert calendar.add_sessions(date(2024, 7, 5), -1) == date(2024, 7, 3)
    assert (
        calendar.sessions_between(date(2024, 1, 2), calendar.add_sessions(date(2024, 1, 2), 60))
        == 60
    )


@pytest.mark.parametrize(
    ("instant", "phase"),
    [
        ("2024-07-05T07:59:59.999", "CLOSED"),
        ("2024-07-05T08:00", "PRE"),
        ("2024-07-05T13:29:59", "PRE"),
        ("2024-07-05T13:30", "REGULAR"),
        ("2024-07-05T19:59:59", "REGULAR"),
        ("2024-07-05T20:00", "POST"),
        ("2024-07-06T00:00", "CLOSED"),
        ("2024-07-03T16:59", "REGULAR"),
        ("2024-07-03T17:00", "POST"),
        ("2024-07-03T20:59", "POST"),
        ("2024-07-03T21:00", "CLOSED"),
        ("2024-07-04T15:00", "CLOSED"),
        ("2024-01-05T13:00", "PRE"),
        ("2024-01-05T08:59", "CLOSED"),
        ("2024-01-05T14:30", "REGULAR"),
    ],
)
def test_phases_of_a_new_york_day_follow_local_time_and_early_closes(instant, phase):
    assert xnys().phase(at(instant)) is MarketPhase(phase)


def test_the_session_of_an_instant_includes_its_open_and_excludes_its_close():
    calendar = xnys()
    assert calendar.session_of(at("2024-07-05T13:30")).day == date(2024, 7, 5)
    assert calendar.session_of(at("2024-07-05T20:00")) is None
    assert calendar.last_closed(at("2024-07-05T20:00")).day == date(2024, 7, 5)
    assert calendar.last_closed(at("2024-07-05T19:59")).day == date(2024, 7, 3)
    assert calendar.next_session(at("2024-07-03T18:00")).day == date(2024, 7, 5)


def test_questions_outside_the_table_are_refused_not_guessed():
    calendar = xnys()
    with pytest.raises(Unavailable) as refused:
        calendar.sessions_between(date(1980, 1, 1), date(1990, 1, 1))
    assert refused.value.code == "calendar_range"
    with pytest.raises(Unavailable):
        calendar.add_sessions(calendar.last_day, 1)
    with pytest.raises(Invalid):
        calendar.session(date(2024, 7, 4))


def test_whole_day_calendars_trade_every_day_and_every_weekday():
    assert ALWAYS.phase(at("2024-07-06T03:00")) is MarketPhase.REGULAR
    assert ALWAYS.sessions_between(date(2024, 1, 1), date(2024, 1, 31)) == 30
    assert WEEKDAYS.phase(at("2024-07-06T03:00")) is MarketPhase.CLOSED
    assert WEEKDAYS.sessions_between(date(2024, 7, 5), date(2024, 7, 8)) == 1


def bars(interval: str, calendar: TradingCalendar, start: str, end: str) -> list[tuple[str, str]]:
    found = grid(timeframe(interval), calendar, to_ms(at(start)), to_ms(at(end)))
    return [
        (f"{from_ms(a):%d %H:%M}", f"{from_ms(b):%d %H:%M}")
        for a, b in zip(found.opens, found.closes, strict=True)
    ]


def test_four_hour_bars_start_at_the_session_open_and_the_last_closes_with_it():
    assert bars("4h", xnys(), "2024-07-05T00:00", "2024-07-06T00:00") == [
        ("05 13:30", "05 17:30"),
        ("05 17:30", "05 20:00"),
    ]
    assert bars("4h", xnys(), "2024-07-03T00:00", "2024-07-04T00:00") == [("03 13:30", "03 17:00")]


def test_a_bar_is_expected_only_when_it_opens_and_closes_inside_the_range():
    assert len(bars("1m", ALWAYS, "2018-04-04T00:00", "2018-04-05T00:00")) == 1440
    assert bars("1h", ALWAYS, "2024-01-01T00:30", "2024-01-01T02:30") == [("01 01:00", "01 02:00")]
    assert bars("1d", xnys(), "2024-07-03T14:00", "2024-07-05T20:00") == [("05 13:30", "05 20:00")]


def test_weeks_start_on_monday_and_months_on_their_first_day():
    assert bars("1w", ALWAYS, "2024-07-01T00:00", "2024-07-15T00:00") == [
        ("01 00:00", "08 00:00"),
        ("08 00:00", "15 00:00"),
    ]
    assert bars("1M", ALWAYS, "2024-02-01T00:00", "2024-03-01T00:00") == [("01 00:00", "01 00:00")]
    assert bars("1w", xnys(), "2024-07-01T00:00", "2024-07-06T00:00") == [("01 13:30", "05 20:00")]


def test_intraday_bars_of_a_weekday_calendar_leave_the_weekend_out():
    found = bars("12h", WEEKDAYS, "2024-07-05T00:00", "2024-07-09T00:00")
    assert [opens for opens, _ in found] == ["05 00:00", "05 12:00", "08 00:00", "08 12:00"]


def test_a_day_without_trading_keeps_its_place_in_time():
    calendar = xnys()
    opens, closes = calendar.nominal_hours(date(2024, 7, 4))
    assert from_ms(opens).date() == date(2024, 7, 4)
    assert timedelta(milliseconds=closes - opens) == timedelta(hours=6.5)

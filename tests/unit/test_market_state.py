from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from domain.market.market_regime import MarketRegime
from domain.market.market_sources import StateSource, VixSource
from domain.market.market_state import (
    MarketStateRow,
    StateOffer,
    current_session,
    is_stale,
    labelled,
    merged,
    require_same_vix,
    session_state,
)
from domain.market.vix_regime import VixRules
from domain.shared.errors import Invalid
from tests.support.market import xnys

CALENDAR = xnys()
MONDAY = date(2024, 3, 11)
LATER = datetime(2024, 6, 3, 12, tzinfo=UTC)
RULES = VixRules()


def session(offset: int) -> date:
    return CALENDAR.add_sessions(MONDAY, offset)


def offer(day: date, source: StateSource = StateSource.MANUAL, **values: str) -> StateOffer:
    return StateOffer(day, source, {name: Decimal(text) for name, text in values.items()})


def row(
    offset: int, source: StateSource = StateSource.MANUAL, at: datetime = LATER, **values: str
) -> MarketStateRow:
    made = merged(None, offer(session(offset), source, **values), CALENDAR, at)
    assert made is not None
    return made


def history(*rows: MarketStateRow) -> list[MarketStateRow]:
    return labelled(rows, (), RULES, CALENDAR)


def test_a_weaker_source_never_replaces_a_stronger_one_number_by_number():
    first = row(0, StateSource.IMPORTED, vix="20", t2108="40")
    weak = merged(first, offer(MONDAY, StateSource.BUNDLED, vix="21"), CALENDAR, LATER)
    assert weak is first
    strong = merged(first, offer(MONDAY, StateSource.MANUAL, vix="21"), CALENDAR, LATER)
    assert strong is not None
    assert (strong.vix, strong.t2108, strong.revision) == (Decimal(21), Decimal(40), 2)
    assert strong.sources == {"vix": StateSource.MANUAL, "t2108": StateSource.IMPORTED}
    filled = merged(
        first, offer(MONDAY, StateSource.REQUEST, momentum_ratio="1.5"), CALENDAR, LATER
    )
    assert filled is not None and filled.momentum_ratio == Decimal("1.5")


def test_the_newest_of_equal_rank_wins_and_a_null_takes_a_number_away():
    first = row(0, vix="20", t2108="40")
    again = merged(first, offer(MONDAY, vix="22"), CALENDAR, LATER)
    assert again is not None and again.vix == 22
    without = merged(
        first, StateOffer(MONDAY, StateSource.MANUAL, {"t2108": None}), CALENDAR, LATER
    )
    assert without is not None and without.t2108 is None and without.vix == 20


@pytest.mark.parametrize(
    ("day", "at", "code"),
    [
        (date(2024, 3, 10), LATER, "not_a_session"),
        (date(1850, 1, 2), LATER, "not_a_session"),
        (MONDAY, datetime(2024, 3, 11, 13, 29, tzinfo=UTC), "future_session"),
    ],
)
def test_a_row_needs_a_session_that_has_begun(day, at, code):
    with pytest.raises(Invalid) as refused:
        merged(None, offer(day, vix="20"), CALENDAR, at)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "values",
    [{"vix": "4.99"}, {"vix": "100.01"}, {"t2108": "101"}, {"momentum_ratio": "0"}, {"up4": "-1"},
     {"beta": "1"}],
)  # fmt: skip
def test_numbers_out_of_range_are_refused(values):
    with pytest.raises(Invalid) as refused:
        offer(MONDAY, **values)
    assert refused.value.code == "invalid_market_state"


def test_a_row_is_visible_after_its_publication_or_when_somebody_wrote_it():
    close = datetime(2024, 3, 11, 20, tzinfo=UTC)
    assert row(0, vix="20").visible_at == close + timedelta(seconds=900)
    assert row(0, vix="20", t2108="40").visible_at == close + timedelta(seconds=3600)
    during = datetime(2024, 3, 11, 15, tzinfo=UTC)
    assert row(0, at=during, vix="20").visible_at == during


def test_changes_are_measured_against_earlier_sessions():
    rows = history(
        row(-6, vix="10", t2108="90"),
        row(-5, vix="15", t2108="70"),
        row(-1, vix="16", t2108="60", momentum_ratio="1.2"),
        row(0, vix="18.5", t2108="45", momentum_ratio="0.5"),
    )
    state = session_state(rows, MONDAY, CALENDAR)
    assert state is not None
    assert state.vix_change == Decimal("2.5")
    assert state.t2108_change == Decimal(-25)
    assert state.momentum_previous == Decimal("1.2")
    assert state.regime is MarketRegime.BULL_NORMAL
    assert session_state(rows[:-1], MONDAY, CALENDAR) is None


def test_with_only_the_previous_session_stored_the_change_to_it_counts():
    rows = history(row(-1, vix="16", t2108="60"), row(0, vix="18", t2108="45"))
    state = session_state(rows, MONDAY, CALENDAR)
    assert state is not None and state.t2108_change == Decimal(-15)


def test_a_row_older_than_five_sessions_is_no_previous():
    rows = history(row(-6, vix="36", t2108="60", momentum_ratio="2"), row(0, vix="18", t2108="45"))
    state = session_state(rows, MONDAY, CALENDAR)
    assert state is not None
    assert (state.vix_change, state.t2108_change, state.momentum_previous) == (None, None, None)
    assert state.regime is MarketRegime.BULL_NORMAL
    held = history(row(-5, vix="21"), row(0, vix="19"))
    assert held[-1].label is not None and held[-1].label.primary is MarketRegime.HIGH_VOL_STRESS


def test_two_indices_are_never_compared():
    one_day = StateOffer(MONDAY, StateSource.MANUAL, {"vix": Decimal(19)}, VixSource.VIX1D)
    today = merged(None, one_day, CALENDAR, LATER)
    assert today is not None
    yesterday = row(-1, vix="25")
    with pytest.raises(Invalid) as refused:
        require_same_vix(today, [yesterday], CALENDAR)
    assert refused.value.code == "vix_source_mismatch"
    state = session_state(history(yesterday, today), MONDAY, CALENDAR)
    assert state is not None
    assert (state.vix_change, state.regime) == (None, MarketRegime.BULL_NORMAL)


def test_a_row_without_vix_offers_nothing_and_does_not_break_hysteresis():
    rows = history(row(-2, vix="21"), row(-1, up4="300", down4="0"), row(0, vix="19"))
    assert rows[1].label is None and rows[1].momentum_ratio == 50
    assert session_state(rows, session(-1), CALENDAR) is None
    assert rows[2].label is not None and rows[2].label.primary is MarketRegime.HIGH_VOL_STRESS


def test_the_age_of_a_row_is_counted_in_sessions():
    friday = row(-1, vix="20")
    weekend = datetime(2024, 3, 10, 12, tzinfo=UTC)
    assert current_session(CALENDAR, weekend) == date(2024, 3, 8)
    assert not is_stale(friday, date(2024, 3, 11), CALENDAR)
    assert is_stale(friday, date(2024, 3, 12), CALENDAR)

"""What plans are offered and what is stored, through the use cases on a store in memory."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.context import ROLE_SCOPES, Principal, RequestContext, Role
from application.market.change_regime_settings import ChangeRegimeSettings, WantedRegimeSettings
from application.market.compute_breadth import BreadthUniverse, ComputeBreadth
from application.market.market_state_queries import MarketStateQueries, SessionRange
from application.market.read_candles import ReadCandles
from application.market.record_market_state import RecordMarketState
from application.market.regime_settings import regime_settings
from application.market.session_calendar import SessionCalendar
from application.market.session_states import (
    CurrentSessionState,
    OfferRequestState,
    PutSessionState,
    RequestNumbers,
)
from application.ports.candles import SeriesFacts
from application.ports.repositories import EventFilter
from application.risk.change_configuration import ChangeConfiguration
from domain.market.candle import Adjustment, SeriesKey, Source, close_only, to_ms
from domain.market.market_regime import MarketRegime
from domain.market.market_sources import StateSource, VixSource
from domain.market.market_state import StateOffer, labelled, merged
from domain.market.merging import OnConflict
from domain.market.regime_history import regime_changes
from domain.market.vix_regime import VixInputs, VixRules
from domain.shared.errors import Invalid, Unavailable
from infrastructure.market_data.bundled import load_bundled
from infrastructure.market_data.bundled_state import feed_bundled_vix
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.persistence.memory.store import MemoryStore
from tests.support.hand_clock import HandClock
from tests.support.market import NOW, Room, calendar_folder, open_room, xnys

D = Decimal
OWNER = RequestContext("usr_first", "usr_first", "req_test")
CONSOLE = Principal("usr_first", "usr_first", Role.ADMIN, ROLE_SCOPES[Role.ADMIN], "off")
CALENDAR = xnys()
TODAY = date(2026, 1, 5)
SESSIONS = SessionCalendar(ArrayCalendars(calendar_folder()))
RECORD = RecordMarketState(SESSIONS)
PUT = PutSessionState(RECORD)
OFFER = OfferRequestState(RECORD, SESSIONS)
CURRENT = CurrentSessionState(SESSIONS)
CHANGE = ChangeRegimeSettings(RECORD, ChangeConfiguration(RECORD))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(HandClock(NOW))


def back(sessions: int) -> date:
    return CALENDAR.add_sessions(TODAY, -sessions)


def do(store: MemoryStore, work: Any) -> Any:
    return store.command(work, OWNER).result()


def put(store: MemoryStore, day: date, source: StateSource = StateSource.MANUAL, **values: str):
    offer = StateOffer(day, source, {name: D(text) for name, text in values.items()})
    return do(store, lambda work: PUT(offer, work))


def offered(store: MemoryStore, vix: str, t2108: str | None = None, ratio: str | None = None,
            vix_source: VixSource = VixSource.VIX):  # fmt: skip
    inputs = VixInputs(
        D(vix), None if t2108 is None else D(t2108), None if ratio is None else D(ratio)
    )
    return do(store, lambda work: OFFER(RequestNumbers(inputs, vix_source), TODAY, work))


def current(store: MemoryStore, day: date = TODAY):
    return store.query(lambda work: CURRENT(day, work), OWNER)


def told(store: MemoryStore) -> list[object]:
    found = store.query(
        lambda work: work.events.list(EventFilter(types=("regime_changed",))), OWNER
    )
    return [event.data["outputs"]["label"] for event in found]


def test_nothing_stored_offers_nothing(store: MemoryStore) -> None:
    assert current(store) is None


def test_a_requests_numbers_decide_it_and_become_the_row_of_a_session_without_one(
    store: MemoryStore,
) -> None:
    state = offered(store, "18.5", "45", "1.2")
    assert (state.regime, state.vix_change) == (MarketRegime.BULL_NORMAL, None)
    assert current(store) == state
    second = offered(store, "36")
    assert second.regime is MarketRegime.CRISIS_OPPORTUNITY
    assert current(store) == state
    (row,) = store.query(lambda work: work.market_state.between(TODAY, TODAY), OWNER)
    assert (row.source, row.revision) == (StateSource.REQUEST, 1)


def test_a_request_is_compared_with_stored_sessions_but_not_held_by_them(
    store: MemoryStore,
) -> None:
    put(store, back(1), vix="21", t2108="70", momentum_ratio="2.4")
    state = offered(store, "19", "40", "1.0")
    assert state.regime is MarketRegime.BULL_NORMAL
    assert (state.vix_change, state.t2108_change) == (D(-2), D(-30))
    assert state.momentum_previous == D("2.4")
    stored = current(store)
    assert stored is not None and stored.regime is MarketRegime.HIGH_VOL_STRESS


def test_a_request_never_replaces_a_stronger_row_and_is_replaced_by_one(store: MemoryStore) -> None:
    put(store, TODAY, StateSource.BUNDLED, vix="16")
    offered(store, "36")
    kept = current(store)
    assert kept is not None and kept.vix == 16
    put(store, TODAY, StateSource.MANUAL, vix="22")
    replaced = current(store)
    assert replaced is not None and replaced.vix == 22
    kept_rows = store.query(lambda work: work.market_state.revisions(TODAY), OWNER)
    assert [row.vix for row in kept_rows] == [D(16)]


def test_a_request_with_another_index_decides_but_is_not_kept(store: MemoryStore) -> None:
    put(store, back(1), vix="21")
    state = offered(store, "14", vix_source=VixSource.VIX1D)
    assert (state.vix_change, state.regime) == (None, MarketRegime.BULL_NORMAL)
    assert store.query(lambda work: work.market_state.find(TODAY), OWNER) is None


@pytest.mark.parametrize(("day", "code"), [(date(2026, 1, 4), "not_a_session"), (date(2026, 1, 6), "future_session")])  # fmt: skip
def test_a_request_needs_a_session_that_has_begun(store: MemoryStore, day: date, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        do(store, lambda work: OFFER(RequestNumbers(VixInputs(D(20))), day, work))
    assert refused.value.code == code


def test_the_session_before_answers_until_its_own_row_is_there_and_no_older_one(
    store: MemoryStore,
) -> None:
    put(store, back(2), vix="21")
    assert current(store) is None
    put(store, back(1), vix="22", t2108="50")
    state = current(store)
    assert state is not None and (state.session, state.vix_change) == (back(1), D(1))


def test_bundled_history_never_acts_as_todays_state(tmp_path: Path) -> None:
    room = open_room(tmp_path)
    load_bundled(room.candles, room.calendars, NOW)
    assert feed_bundled_vix(room.store, room.candles, SESSIONS) == 7303
    assert feed_bundled_vix(room.store, room.candles, SESSIONS) == 0
    queries = MarketStateQueries(SESSIONS, room.reader())
    newest = room.store.query(queries.current, OWNER)
    assert (newest.row.session, newest.row.vix, newest.is_stale) == (
        date(2018, 12, 31), D("25.42"), True,
    )  # fmt: skip
    assert room.store.query(lambda work: CURRENT(TODAY, work), OWNER) is None
    state = room.store.command(
        lambda work: OFFER(RequestNumbers(VixInputs(D("18.5"))), TODAY, work), OWNER
    ).result()
    assert (state.regime, state.vix_change) == (MarketRegime.BULL_NORMAL, None)
    reading = room.store.query(queries.regime, OWNER)
    assert (reading.label, reading.previous_label, reading.duration_bars) == (
        "bull_normal",
        None,
        1,
    )
    year = SessionRange(date(2008, 1, 1), date(2008, 12, 31))
    segments = room.store.query(lambda work: queries.segments(year, work), OWNER)
    crash = next(s for s in segments if s.label == "crisis_opportunity")
    assert (crash.start, crash.end, crash.total_return) == (
        date(2008, 9, 17), date(2008, 9, 17), D("-0.0471407071"),
    )  # fmt: skip
    assert all(s.total_return is not None for s in segments)
    room.close()


def test_a_feed_that_catches_up_announces_the_change_once_it_is_current(
    store: MemoryStore,
) -> None:
    for days, vix in ((4, "18"), (3, "22"), (2, "23")):
        put(store, back(days), vix=vix)
    assert told(store) == []
    put(store, back(1), vix="24")
    assert told(store) == ["high_vol_stress"]
    put(store, TODAY, vix="25")
    put(store, TODAY, t2108="40")
    assert told(store) == ["high_vol_stress"]
    put(store, TODAY, vix="36")
    put(store, TODAY, vix="24")
    assert told(store) == ["high_vol_stress", "crisis_opportunity", "high_vol_stress"]


def test_forcing_changes_what_plans_are_offered_at_once(store: MemoryStore) -> None:
    put(store, TODAY, vix="18")
    read = store.query(regime_settings, OWNER)
    forced = replace(read, force_regime=MarketRegime.LOW_VOL_COMPLACENCY)
    wanted = WantedRegimeSettings(forced, 1, "a quiet day")
    do(store, lambda work: CHANGE(wanted, CONSOLE, work))
    state = current(store)
    assert state is not None and state.regime is MarketRegime.LOW_VOL_COMPLACENCY
    assert offered(store, "40").regime is MarketRegime.LOW_VOL_COMPLACENCY
    assert told(store) == ["bull_normal", "low_vol_complacency"]


def test_without_the_table_of_sessions_nothing_is_decided(
    store: MemoryStore, tmp_path: Path
) -> None:
    bare = PutSessionState(RecordMarketState(SessionCalendar(ArrayCalendars(tmp_path))))
    offer = StateOffer(TODAY, StateSource.MANUAL, {"vix": D(20)})
    with pytest.raises(Unavailable) as refused:
        do(store, lambda work: bare(offer, work))
    assert refused.value.code == "calendar_not_ready"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["11", "15", "18.4", "19.5", "21", "33", "36"]), min_size=12, max_size=12),
    st.permutations(range(12)),
    st.sets(st.integers(0, 11), max_size=7),
)  # fmt: skip
def test_labels_and_history_do_not_depend_on_the_order_of_writing(closes, order, absent) -> None:
    store = MemoryStore(HandClock(NOW))
    days = [back(11 - i) for i in range(12)]
    for index in order:
        if index not in absent:
            put(store, days[index], vix=closes[index])
    known = [i for i in range(12) if i not in absent]
    made = [
        merged(None, StateOffer(days[i], StateSource.MANUAL, {"vix": D(closes[i])}), CALENDAR, NOW)
        for i in known
    ]
    fold = labelled([row for row in made if row is not None], (), VixRules(), CALENDAR)
    rows = store.query(lambda work: work.market_state.between(days[0], TODAY), OWNER)
    assert [(r.session, r.label) for r in rows] == [(r.session, r.label) for r in fold]
    history = store.query(lambda work: work.market_state.changes(days[0], TODAY), OWNER)
    expected = regime_changes(fold, (), "standard", CALENDAR)
    assert [(c.as_of, c.label, c.previous_label) for c in history] == [
        (c.as_of, c.label, c.previous_label) for c in expected
    ]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = open_room(tmp_path)
    yield made
    made.close()


def test_breadth_is_computed_from_stored_daily_series(room: Room) -> None:
    days = [back(59 - i) for i in range(60)]
    names = tuple(f"SYM{i}" for i in range(10))
    opens = np.array([to_ms(CALENDAR.session(day).opens_at) for day in days])
    closes = np.array([to_ms(CALENDAR.session(day).closes_at) for day in days])
    for number, name in enumerate(names):
        step = 1.0 if number < 3 else -1.0
        rows = close_only(opens, closes, 200.0 + step * np.arange(60))[:59]
        key = SeriesKey(Source.IMPORTED, name, "1d", Adjustment.RAW)
        facts = SeriesFacts(calendar="XNYS", fetched_at=NOW)
        room.candles.merge(key, rows, facts, OnConflict.REJECT)
    reader = room.reader()
    compute = ComputeBreadth(room.store, reader, ReadCandles(reader, room.calendars), SESSIONS)
    result = compute(BreadthUniverse(names, days[50], TODAY), NOW, OWNER)
    assert (result["sessions"], result["universe_size_max"]) == (9, 10)
    row = room.store.query(lambda work: work.market_state.find(days[58]), OWNER)
    assert row is not None
    assert row.breadth == {"pct_above_sma40": D(30), "universe_size": D(10)}
    assert (row.t2108, row.source) == (None, StateSource.COMPUTED)
    read = room.store.query(regime_settings, OWNER)
    wanted = WantedRegimeSettings(replace(read, use_computed_breadth=True), 1)
    room.store.command(lambda work: CHANGE(wanted, CONSOLE, work), OWNER).result()
    compute(BreadthUniverse(names, days[58], TODAY), NOW, OWNER)
    standing = room.store.query(lambda work: work.market_state.find(days[58]), OWNER)
    assert standing is not None and standing.t2108 == 30
    assert standing.sources["t2108"] is StateSource.COMPUTED

"""One contract for the market's state in memory, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.ports.unit_of_work import Store
from domain.market.breadth import DEFAULT_WEIGHTS
from domain.market.market_regime import MarketRegime
from domain.market.market_sources import StateSource, VixSource
from domain.market.market_state import MarketStateRow
from domain.market.regime_history import RegimeChange
from domain.market.regime_settings import RegimeBounds, RegimeSettings, RegimeThresholds
from domain.market.vix_regime import RegimeProfile, ShiftedBy, VixLabel
from domain.shared.errors import StaleVersion
from tests.support.portfolio import OWNER, STRANGER, SteppingClock
from tests.support.stores import STORES, store_of

D = Decimal
MONDAY = date(2024, 3, 11)
SEEN = datetime(2024, 3, 11, 21, tzinfo=UTC)
LABEL = VixLabel(
    MarketRegime.BULL_NORMAL,
    MarketRegime.HIGH_VOL_STRESS,
    MarketRegime.BULL_NORMAL,
    ShiftedBy.STRONG_BREADTH,
    D("0.5525"),
    3,
)
ROW = MarketStateRow(
    MONDAY,
    {"vix": D("18.50"), "t2108": D(45), "up4": D(320)},
    {"vix": StateSource.MANUAL, "t2108": StateSource.IMPORTED, "up4": StateSource.IMPORTED},
    VixSource.VIX1D,
    SEEN,
    SEEN,
    LABEL,
)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with store_of(request, tmp_path, SteppingClock()) as opened:
        yield opened


def do(store: Store, work: Any) -> Any:
    return store.command(work, OWNER).result(timeout=30)


def day(offset: int) -> date:
    return MONDAY + timedelta(days=offset)


def at(offset: int, **changes: Any) -> MarketStateRow:
    return replace(ROW, session=day(offset), visible_at=SEEN + timedelta(days=offset), **changes)


def change(offset: int, label: str, previous: str | None) -> RegimeChange:
    return RegimeChange(
        day(offset), label, previous, 1, D("0.605"), {"vix": D("18.5")}, "standard", "manual"
    )


def test_a_row_comes_back_as_it_went_in_for_every_owner(store: Store) -> None:
    bare = at(1, label=None)
    forced = at(2, label=replace(LABEL, is_forced=True, shifted_by=None))
    do(store, lambda work: work.market_state.put([ROW, bare, forced]))
    for context in (OWNER, STRANGER):
        found = store.query(lambda work: work.market_state.find(MONDAY), context)
        assert found == ROW
        assert dict(found.values) == dict(ROW.values)
        assert dict(found.sources) == dict(ROW.sources)
        assert store.query(lambda work: work.market_state.find(day(1)), context) == bare
        assert store.query(lambda work: work.market_state.find(day(2)), context) == forced
        assert store.query(lambda work: work.market_state.find(day(3)), context) is None


def test_lists_are_ascending_and_bounded(store: Store) -> None:
    do(store, lambda work: work.market_state.put([at(3), at(0), at(1), at(2)]))
    seen = store.query(
        lambda work: (
            [row.session for row in work.market_state.between(day(1), day(2))],
            [row.session for row in work.market_state.before(day(3), 2)],
            work.market_state.before(day(0), 5),
        ),
        OWNER,
    )
    assert seen == ([day(1), day(2)], [day(1), day(2)], [])


def test_the_newest_visible_row_is_found_by_instant_and_day(store: Store) -> None:
    do(store, lambda work: work.market_state.put([at(0), at(1), at(2)]))

    def newest(instant: datetime, until: date) -> date | None:
        found = store.query(lambda work: work.market_state.newest_at(instant, until), OWNER)
        return None if found is None else found.session

    assert newest(SEEN + timedelta(days=1), day(9)) == day(1)
    assert newest(SEEN + timedelta(days=1, microseconds=-1), day(9)) == day(0)
    assert newest(SEEN + timedelta(days=9), day(1)) == day(1)
    assert newest(SEEN - timedelta(seconds=1), day(9)) is None


def test_replaced_values_stay_as_revisions_and_a_new_label_is_none(store: Store) -> None:
    do(store, lambda work: work.market_state.put([ROW, at(1)]))
    second = replace(ROW, values={"vix": D("19.25")}, sources={"vix": StateSource.MANUAL},
                     revision=2)  # fmt: skip
    do(store, lambda work: work.market_state.put([second, at(1, label=None)]))
    do(store, lambda work: work.market_state.put([replace(second, revision=3), at(2)]))
    kept = store.query(lambda work: work.market_state.revisions(MONDAY), OWNER)
    assert [row.revision for row in kept] == [1, 2]
    assert [dict(row.values) for row in kept] == [dict(ROW.values), {"vix": D("19.25")}]
    assert store.query(lambda work: work.market_state.revisions(day(1)), OWNER) == []
    relabelled = store.query(lambda work: work.market_state.find(day(1)), OWNER)
    assert relabelled is not None and relabelled.label is None


@pytest.mark.parametrize("revision", [1, 4])
def test_a_revision_that_does_not_follow_is_stale(store: Store, revision: int) -> None:
    do(store, lambda work: work.market_state.put([ROW]))
    do(store, lambda work: work.market_state.put([replace(ROW, revision=2)]))
    with pytest.raises(StaleVersion):
        do(store, lambda work: work.market_state.put([replace(ROW, revision=revision)]))


def test_changes_are_restated_from_a_day_on(store: Store) -> None:
    first, second = change(0, "bull_normal", None), change(3, "high_vol_stress", "bull_normal")
    do(store, lambda work: work.market_state.restate_changes(day(0), [first, second]))
    third = change(2, "crisis_opportunity", "bull_normal")
    do(store, lambda work: work.market_state.restate_changes(day(2), [third]))
    changes, last, early, none = store.query(
        lambda work: (
            work.market_state.changes(day(0), day(9)),
            work.market_state.last_change(day(9)),
            work.market_state.last_change(day(1)),
            work.market_state.last_change(day(-1)),
        ),
        OWNER,
    )
    assert list(changes) == [first, third]
    assert [c.inputs for c in changes] == [first.inputs, third.inputs]
    assert (last, early, none) == (third, first, None)


def test_settings_are_the_defaults_until_changed_and_versioned_after(store: Store) -> None:
    assert store.query(lambda work: work.regime_settings.read(), OWNER) == RegimeSettings()
    changed = RegimeSettings(
        profile=RegimeProfile.LEGACY,
        bounds=RegimeBounds(D("14.5"), D(28), D(48)),
        hysteresis_points=D("2.25"),
        confirm_sessions=3,
        force_regime=MarketRegime.CRISIS_OPPORTUNITY,
        breadth_weights=dict(DEFAULT_WEIGHTS) | {"t2108": D("0.205")},
        thresholds=RegimeThresholds(weak_t2108=D(25)),
        use_computed_breadth=True,
        version=2,
        updated_at=SEEN,
    )
    do(store, lambda work: work.regime_settings.save(changed))
    read = store.query(lambda work: work.regime_settings.read(), STRANGER)
    assert read == replace(changed, profile=RegimeProfile.STANDARD, force_regime=None)
    assert dict(read.breadth_weights) == dict(changed.breadth_weights)
    for version in (2, 4):
        with pytest.raises(StaleVersion):
            do(
                store,
                lambda work, v=version: work.regime_settings.save(replace(changed, version=v)),
            )
    do(store, lambda work: work.regime_settings.save(replace(changed, version=3)))
    assert store.query(lambda work: work.regime_settings.read(), OWNER).version == 3

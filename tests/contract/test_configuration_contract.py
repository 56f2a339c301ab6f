"""One contract for every store: versions of the configuration are kept in order and for good."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.context import ROLE_SCOPES, SYSTEM, Principal, RequestContext, Role
from application.market.record_market_state import RecordMarketState
from application.market.session_calendar import SessionCalendar
from application.ports.repositories import EventFilter
from application.ports.unit_of_work import Store
from application.risk.change_configuration import ChangeConfiguration, parse_patch
from application.risk.configuration_sources import AdoptSources, StartSources
from application.risk.configuration_version import ConfigurationVersion, Layers
from application.risk.effective_configuration import (
    Source,
    desktop_configuration,
    read_effective,
)
from domain.market.market_regime import MarketRegime
from domain.risk.desktop_configuration import DesktopConfiguration
from domain.shared.errors import Conflict, Invalid, StaleVersion
from infrastructure.market_data.calendar_tables import ArrayCalendars
from tests.support.market import calendar_folder
from tests.support.portfolio import OWNER, STRANGER, SteppingClock
from tests.support.stores import STORES, store_of

D = Decimal
AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
STOP = "risk_limits.max_stop_distance"
RECORD = RecordMarketState(SessionCalendar(ArrayCalendars(calendar_folder())))
CONSOLE = Principal(OWNER.owner_id, OWNER.owner_id, Role.ADMIN, ROLE_SCOPES[Role.ADMIN], "off")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with store_of(request, tmp_path, SteppingClock()) as opened:
        yield opened


def do(store: Store, work: Any, context: RequestContext = OWNER) -> Any:
    return store.command(work, context).result(timeout=30)


def see(store: Store, work: Any, context: RequestContext = OWNER) -> Any:
    return store.query(work, context)


def version(number: int, **changes: object) -> ConfigurationVersion:
    layers = Layers({STOP: D("22.5")}, changes, {"exits.trailing": False})
    diff = ({"path": STOP, "from": D(25), "to": D("22.5"), "direction": "tighter"},)
    return ConfigurationVersion(number, layers, "ab12", diff, "usr_1", "größer", AT)


def patch(store: Store, body: dict[str, object], expected: int) -> Any:
    change = ChangeConfiguration(RECORD)
    return do(store, lambda work: change(parse_patch(body), expected, CONSOLE, work))


def adopt(store: Store, file: dict[str, object], environment: dict[str, object]) -> Any:
    adopting = AdoptSources(RECORD)
    sources = StartSources(file, environment)
    source = see(store, lambda work: adopting.source(sources, work))
    actor = SYSTEM.actor if source is None else source.value
    context = RequestContext(OWNER.owner_id, actor, "req_start")
    return do(store, lambda work: adopting(sources, work), context)


def test_versions_are_read_back_equal_and_newest_first(store: Store) -> None:
    assert see(store, lambda work: work.configuration.newest()) is None
    kept = [version(2), version(3, **{"exits.time_exit_sessions": None}), version(4)]
    for each in kept:
        do(store, lambda work, each=each: work.configuration.add(each))
    assert see(store, lambda work: work.configuration.newest()) == kept[-1]
    assert do(store, lambda work: work.configuration.newest()) == kept[-1]
    assert see(store, lambda work: work.configuration.list(10)) == kept[::-1]
    assert see(store, lambda work: work.configuration.list(1, 4)) == [kept[1]]


@pytest.mark.parametrize("number", [1, 3])
def test_a_version_that_does_not_follow_is_stale(store: Store, number: int) -> None:
    with pytest.raises(StaleVersion) as refused:
        do(store, lambda work: work.configuration.add(version(number)))
    assert refused.value.code == "stale_version"
    do(store, lambda work: work.configuration.add(version(2)))
    with pytest.raises(StaleVersion):
        do(store, lambda work: work.configuration.add(version(2)))


def test_a_strangers_configuration_is_not_seen(store: Store) -> None:
    do(store, lambda work: work.configuration.add(version(2)))
    assert see(store, lambda work: work.configuration.newest(), STRANGER) is None
    assert do(store, lambda work: work.configuration.newest(), STRANGER) is None
    assert see(store, desktop_configuration, STRANGER) == DesktopConfiguration()


def test_a_version_of_a_command_that_fails_is_not_kept(store: Store) -> None:
    def failing(work: Any) -> None:
        work.configuration.add(version(2))
        raise Conflict("never_mind", "Undo it.")

    with pytest.raises(Conflict):
        do(store, failing)
    assert see(store, lambda work: work.configuration.newest()) is None
    do(store, lambda work: work.configuration.add(version(2)))
    assert do(store, lambda work: work.configuration.newest()) == version(2)


def test_a_patch_is_one_version_with_its_diff_and_one_event(store: Store) -> None:
    after = patch(
        store,
        {
            "risk_limits": {"max_stop_distance": "20.5", "min_stop_distance": 2},
            "regime_overrides": {"force_regime": "bull_normal"},
            "reason": "calm market",
        },
        1,
    )
    assert after.version == 2
    rules = see(store, desktop_configuration)
    assert rules.risk_limits.max_stop_distance == D("0.205")
    assert rules.regime_overrides.force_regime is MarketRegime.BULL_NORMAL
    kept = see(store, lambda work: work.configuration.newest())
    assert kept.reason == "calm market" and kept.actor == OWNER.actor
    assert kept.layers.changes == {STOP: D("20.5"), "regime_overrides.force_regime": "bull_normal"}
    assert [dict(item) for item in kept.diff] == [
        {"path": "regime_overrides.force_regime", "from": None, "to": "bull_normal",
         "direction": "looser"},
        {"path": STOP, "from": 25, "to": D("20.5"), "direction": "tighter"},
    ]  # fmt: skip
    (event,) = see(store, lambda work: work.events.list(EventFilter(types=("config_changed",))))
    assert event.aggregate_type == "configuration" and event.actor == OWNER.actor
    assert event.data["inputs"] == {"regime_overrides.force_regime": None, STOP: 25}
    assert event.data["outputs"] == {
        "regime_overrides.force_regime": "bull_normal", STOP: D("20.5"), "version": 2,
        "loosened": ["regime_overrides.force_regime"], "reason": "calm market", "hash": after.hash,
    }  # fmt: skip


def test_a_patch_that_changes_nothing_writes_nothing(store: Store) -> None:
    body = {"risk_limits": {"max_stop_distance": 25.0}, "exits": {"profile": None}}
    assert patch(store, body, 1).version == 1
    assert see(store, lambda work: work.configuration.newest()) is None
    assert see(store, lambda work: work.events.list(EventFilter())) == []


def test_of_many_changes_made_for_one_version_one_happens(store: Store) -> None:
    def attempt(number: int) -> object:
        try:
            return patch(store, {"risk_limits": {"max_stop_distance": 10 + number}}, 1).version
        except StaleVersion as refused:
            return refused.code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(attempt, range(12)))
    assert sorted(map(str, answers)) == ["2", *["stale_version"] * 11]
    assert len(see(store, lambda work: work.configuration.list(100))) == 1


def test_the_same_file_again_is_no_new_version(store: Store) -> None:
    first = adopt(store, {STOP: D(20)}, {})
    assert (first.version, first.sources[STOP]) == (2, Source.FILE)
    assert adopt(store, {STOP: D("20.0")}, {}).version == 2
    changed = adopt(store, {STOP: D(15)}, {})
    assert changed.version == 3
    assert see(store, lambda work: work.configuration.newest()).actor == "file"
    gone = adopt(store, {}, {})
    assert gone.version == 4 and gone.values[STOP] == 25


def test_changes_stay_above_a_changed_file_until_they_are_given_back(store: Store) -> None:
    adopt(store, {STOP: D(20)}, {})
    patch(store, {"risk_limits": {"max_stop_distance": 18}}, 2)
    assert adopt(store, {STOP: D(10)}, {}).values[STOP] == 18
    assert patch(store, {"risk_limits": {"max_stop_distance": None}}, 4).values[STOP] == 10
    assert see(store, read_effective).sources[STOP] is Source.FILE


def test_a_pinned_key_cannot_be_changed_and_nothing_of_the_patch_is_kept(store: Store) -> None:
    pinned = adopt(store, {}, {STOP: D(12)})
    assert see(store, lambda work: work.configuration.newest()).actor == "environment"
    with pytest.raises(Conflict) as refused:
        patch(store, {"risk_limits": {"max_stop_distance": 10, "min_stop_distance": 3}}, 2)
    assert refused.value.code == "pinned_by_environment"
    assert refused.value.context["variables"] == ["BALLAST_CONFIG__RISK_LIMITS__MAX_STOP_DISTANCE"]
    assert see(store, read_effective).values == pinned.values
    same = {"risk_limits": {"max_stop_distance": 12, "min_stop_distance": 3}}
    assert patch(store, same, 2).values["risk_limits.min_stop_distance"] == 3


def test_a_file_that_does_not_fit_earlier_changes_is_refused_whole(store: Store) -> None:
    patch(store, {"risk_limits": {"min_stop_distance": 10}}, 1)
    with pytest.raises(Invalid, match="set by api and file"):
        adopt(store, {STOP: D(5), "exits.trailing": False}, {})
    assert see(store, read_effective).version == 2


def test_a_stored_key_of_another_release_is_left_out(store: Store) -> None:
    do(store, lambda work: work.configuration.add(version(2, **{"exits.forgotten": True})))
    effective = see(store, read_effective)
    assert "exits.forgotten" not in effective.values
    assert effective.values[STOP] == D("22.5")

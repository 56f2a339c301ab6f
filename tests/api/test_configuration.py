"""The configuration over HTTP: two paths, one store, and who may loosen."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

import app.container
from app.main import create_app
from application.context import SYSTEM, RequestContext
from application.ports.repositories import EventFilter
from application.ports.unit_of_work import Store
from application.risk.effective_configuration import desktop_configuration
from tests.conftest import unhurried
from tests.support.hand_clock import HandClock
from tests.support.portfolio import refusal
from tests.support.service import START

CANONICAL, DESKTOP = "/api/v1/config", "/config"
PASSWORD = "brass lantern over the quay"
TIGHTER = {"risk_limits": {"max_stop_distance": 20}}
LOOSER = {"risk_limits": {"max_stop_distance": 30}}
WITH_REASON = {**LOOSER, "reason": "wide markets"}


class Desk:
    """The service with authentication on, and callers of every kind."""

    def __init__(self, client: TestClient, clock: HandClock, owner_token: str) -> None:
        self.client = client
        self.clock = clock
        self.owner = {"Authorization": f"Bearer {owner_token}"}

    def user(self, username: str, role: str) -> dict[str, str]:
        """Headers of a new user who has just logged in."""
        body = {"username": username, "role": role, "password": PASSWORD}
        made = self.client.post("/api/v1/users", json=body, headers=self.owner)
        assert made.status_code == 201, made.text
        form = {"username": username, "password": PASSWORD}
        session = self.client.post("/api/v1/auth/login", data=form)
        assert session.status_code == 200, session.text
        return {"Authorization": f"Bearer {session.json()['access_token']}"}

    def token(self, *scopes: str) -> dict[str, str]:
        body = {"name": "-".join(scopes), "scopes": list(scopes)}
        made = self.client.post("/api/v1/auth/tokens", json=body, headers=self.owner)
        assert made.status_code == 201, made.text
        return {"Authorization": f"Bearer {made.json()['token']}"}

    def read(self, path: str = CANONICAL, **headers: str) -> Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers={**self.owner, **sent})

    def patch(
        self,
        body: object,
        version: int | None = 1,
        caller: dict[str, str] | None = None,
        path: str = CANONICAL,
    ) -> Response:
        match = {} if version is None else {"If-Match": f'"{version}"'}
        headers = {**(caller or self.owner), **match}
        return self.client.patch(path, json=body, headers=headers)

    def events(self) -> list[dict[str, Any]]:
        answer = self.client.get("/api/v1/events?type=config_changed", headers=self.owner)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def untouched(self) -> bool:
        """Whether nothing was written: still the first version and no event."""
        return self.read().json()["version"] == 1 and self.events() == []


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    clock = HandClock(START)
    monkeypatch.setattr(app.container, "SystemClock", lambda: clock)
    service = create_app(unhurried(tmp_path).model_copy(update={"auth": "on"}))
    with TestClient(
        service, base_url="http://127.0.0.1:8000", raise_server_exceptions=False
    ) as client:
        yield Desk(client, clock, (tmp_path / "owner.token").read_text().strip())


@pytest.mark.parametrize("path", [CANONICAL, DESKTOP])
def test_the_document_comes_with_version_units_sources_hash_and_tag(desk: Desk, path: str) -> None:
    answer = desk.read(path)
    assert answer.status_code == 200 and answer.headers["ETag"] == '"1"'
    body = answer.json()
    assert {"version", "config", "units", "sources", "hash"} <= set(body)
    assert body["version"] == 1 and body["changed_at"] is None
    assert body["config"]["position_sizing"] == {
        "max_position_size": 100, "risk_per_trade": 2, "max_correlation_exposure": 10,
    }  # fmt: skip
    assert body["config"]["performance_targets"]["min_win_rate"] == 0.6
    assert body["units"]["performance_targets"]["min_win_rate"] == "fraction_of_trades"
    assert body["sources"]["exits"] == dict.fromkeys(body["config"]["exits"], "default")
    assert [w["pointer"] for w in body["warnings"]] == ["/position_sizing/max_position_size"]
    assert desk.read(path, If_None_Match='"1"').status_code == 304


def test_both_paths_are_views_of_one_store(desk: Desk) -> None:
    changed = desk.patch(TIGHTER, path=DESKTOP)
    assert changed.status_code == 200 and changed.headers["ETag"] == '"2"'
    assert changed.json() == desk.read(CANONICAL).json() == desk.read(DESKTOP).json()
    body = changed.json()
    assert body["config"]["risk_limits"]["max_stop_distance"] == 20
    assert body["config"]["risk_limits"]["min_stop_distance"] == 2
    assert body["sources"]["risk_limits"]["max_stop_distance"] == "api"
    assert body["sources"]["risk_limits"]["min_stop_distance"] == "default"


@pytest.mark.parametrize(("path", "status"), [(CANONICAL, 422), (DESKTOP, 400)])
def test_faults_of_schema_and_rules_have_pointers_and_leave_nothing(
    desk: Desk, path: str, status: int
) -> None:
    body = {
        "risk_limits": {"max_stop_distance": 20, "min_stop_distanc": 1},
        "performance_targets": {"min_win_rate": 60},
        "regime_overrides": {"force_regime": "bull"},
    }
    refused = desk.patch(body, path=path)
    assert refusal(refused) == (status, "invalid_configuration")
    errors = {e["pointer"]: (e["code"], e["message"]) for e in refused.json()["errors"]}
    assert errors["/risk_limits/min_stop_distanc"][0] == "unknown_key"
    assert "risk_limits.min_stop_distance" in errors["/risk_limits/min_stop_distanc"][1]
    assert "fraction" in errors["/performance_targets/min_win_rate"][1]
    assert errors["/regime_overrides/force_regime"][0] == "unknown_name"
    crossed = desk.patch({"risk_limits": {"min_stop_distance": 30}}, path=path)
    assert refusal(crossed) == (status, "invalid_configuration")
    assert crossed.json()["errors"][0]["code"] == "min_above_max"
    assert refusal(desk.patch([], path=path)) == (status, "invalid_request")
    assert refusal(desk.patch(LOOSER, path=path)) == (status, "reason_required")
    assert desk.untouched()


@pytest.mark.parametrize("path", [CANONICAL, DESKTOP])
def test_a_change_names_the_version_it_was_made_for(desk: Desk, path: str) -> None:
    assert refusal(desk.patch(TIGHTER, None, path=path)) == (428, "precondition_required")
    assert refusal(desk.patch(TIGHTER, 2, path=path)) == (412, "stale_version")
    assert desk.untouched()
    odd = desk.client.patch(path, json=TIGHTER, headers={**desk.owner, "If-Match": "one"})
    assert refusal(odd) == (400, "invalid_if_match")
    assert desk.patch(TIGHTER, 1, path=path).status_code == 200
    assert refusal(desk.patch(TIGHTER, 1, path=path)) == (412, "stale_version")


def test_desktop_refusals_have_the_members_desktop_clients_show(desk: Desk) -> None:
    for answer in (
        desk.patch({"x": {}}, path=DESKTOP),
        desk.patch(TIGHTER, None, path=DESKTOP),
        desk.client.get(DESKTOP),
        desk.client.patch(DESKTOP, content=b"{", headers={**desk.owner, "If-Match": '"1"'}),
    ):
        body = answer.json()
        assert {"detail", "error", "timestamp", "path", "code", "status", "errors"} <= set(body)
        assert body["path"] == DESKTOP and body["timestamp"].endswith("Z")
        assert body["error"] == body["title"]
    assert "path" not in desk.patch({"x": {}}).json()


def test_merge_patch_keeps_what_is_left_out_and_null_gives_back(desk: Desk) -> None:
    desk.patch({"risk_limits": {"max_stop_distance": 20, "max_profit_target": 80}})
    body = desk.patch({"exits": {"time_exit_sessions": 1}, "reason": "short"}, 2).json()
    assert body["config"]["risk_limits"]["max_profit_target"] == 80
    assert body["config"]["exits"] == {
        "profile": "standard", "trailing": True, "time_exit_sessions": 1,
    }  # fmt: skip
    given_back = desk.patch({"risk_limits": None, "reason": "as it was"}, 3).json()
    assert given_back["config"]["risk_limits"] == {
        "max_stop_distance": 25, "min_stop_distance": 2, "max_profit_target": 100,
        "position_concentration_limit": 20,
    }  # fmt: skip
    assert given_back["sources"]["risk_limits"]["max_stop_distance"] == "default"
    assert given_back["sources"]["exits"]["time_exit_sessions"] == "api"


def test_the_document_sent_back_as_it_was_read_changes_nothing(desk: Desk) -> None:
    document = desk.read().json()["config"]
    answer = desk.patch(document)
    assert answer.status_code == 200 and answer.headers["ETag"] == '"1"'
    assert desk.untouched()


def test_a_trader_may_tighten_and_not_loosen(desk: Desk) -> None:
    trader = desk.user("tom", "trader")
    assert desk.patch(TIGHTER, 1, trader).status_code == 200
    refused = desk.patch(WITH_REASON, 2, trader)
    assert refusal(refused) == (403, "access_denied")
    assert refused.json()["context"]["keys"] == ["risk_limits.max_stop_distance"]
    assert refusal(desk.patch(TIGHTER, 2, desk.user("vera", "viewer"))) == (403, "access_denied")
    assert desk.read().json()["version"] == 2


def test_a_risk_manager_loosens_with_a_fresh_login_and_a_reason(desk: Desk) -> None:
    manager = desk.user("rita", "risk_manager")
    assert refusal(desk.patch(LOOSER, 1, manager)) == (422, "reason_required")
    desk.clock.jump((desk.clock.now() + timedelta(minutes=5, seconds=1)).isoformat())
    assert refusal(desk.patch(WITH_REASON, 1, manager)) == (403, "reauthentication_required")
    assert desk.patch(TIGHTER, 1, manager).status_code == 200
    shown = desk.client.post(
        "/api/v1/auth/reauthenticate", json={"password": PASSWORD}, headers=manager
    )
    assert shown.status_code in (200, 204), shown.text
    done = desk.patch(WITH_REASON, 2, manager)
    assert done.status_code == 200 and done.json()["version"] == 3


def test_a_regime_is_forced_by_the_same_people_beside_the_configuration(desk: Desk) -> None:
    def force(caller: dict[str, str]) -> Response:
        body = {"force_regime": "crisis_opportunity", "reason": "a bank fails"}
        headers = {**caller, "If-Match": '"1"'}
        return desk.client.put("/api/v1/regimes/config", json=body, headers=headers)

    assert refusal(force(desk.user("tom", "trader"))) == (403, "access_denied")
    manager = desk.user("rita", "risk_manager")
    desk.clock.jump((desk.clock.now() + timedelta(minutes=5, seconds=1)).isoformat())
    assert refusal(force(manager)) == (403, "reauthentication_required")
    assert desk.untouched()
    assert force(desk.token("read", "risk")).status_code == 200
    assert desk.read().json()["config"]["regime_overrides"]["force_regime"] == "crisis_opportunity"


def test_an_api_token_loosens_with_the_scope_risk_only(desk: Desk) -> None:
    refused = desk.patch(WITH_REASON, 1, desk.token("read", "trade"))
    assert refusal(refused) == (403, "reauthentication_required")
    assert desk.untouched()
    assert desk.patch(WITH_REASON, 1, desk.token("read", "trade", "risk")).status_code == 200


def test_every_change_is_a_version_with_actor_reason_and_diff(desk: Desk) -> None:
    desk.patch(TIGHTER)
    desk.patch(WITH_REASON, 2)
    listed = desk.client.get("/api/v1/config/versions?limit=1", headers=desk.owner).json()
    (newest,) = listed["items"]
    assert (newest["version"], newest["reason"]) == (3, "wide markets")
    assert newest["actor"].startswith("usr_")
    assert newest["diff"] == [
        {"path": "risk_limits.max_stop_distance", "from": 20, "to": 30, "direction": "looser"}
    ]
    assert newest["hash"] == desk.read().json()["hash"]
    following = f"/api/v1/config/versions?limit=1&cursor={listed['next_cursor']}"
    rest = desk.client.get(following, headers=desk.owner).json()
    assert [item["version"] for item in rest["items"]] == [2]
    assert rest["next_cursor"] is None
    assert [event["data"]["outputs"]["version"] for event in desk.events()] == [2, 3]
    assert desk.events()[1]["data"]["outputs"]["loosened"] == ["risk_limits.max_stop_distance"]


def test_the_same_value_again_keeps_the_version(desk: Desk) -> None:
    desk.patch(TIGHTER)
    assert desk.patch(TIGHTER, 2).headers["ETag"] == '"2"'
    assert len(desk.events()) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"risk_limits": {"max_stop_distance": "12,5"}},
        {"risk_limits": {"max_stop_distance": [1]}},
        {"risk_limits": {"max_stop_distance": 1e300}},
        {"risk_limits": {"__class__": 1}},
        {"risk_limits": "x" * 10_000},
        {"../x": {"y": None}},
        {"reason": {"deep": [[[]]]}},
        {"k" * 4000: None},
    ],
)  # fmt: skip
def test_hostile_bodies_are_refused_with_a_code(desk: Desk, body: object) -> None:
    answer = desk.patch(body)
    assert refusal(answer)[0] == 422
    assert len(answer.json()["detail"]) < 1000
    assert desk.untouched()


def test_rules_read_what_was_changed(desk: Desk) -> None:
    desk.patch({"position_sizing": {"risk_per_trade": "1.25"}})
    store = desk.client.app.state.container.get(Store)  # type: ignore[attr-defined]
    events = desk.events()
    founder = store.query(lambda work: work.users.founder(), SYSTEM)
    context = RequestContext(founder.owner_id, "rule", "req_rule")
    rules = store.query(desktop_configuration, context)
    assert str(rules.position_sizing.risk_per_trade) == "0.0125"
    logged = store.query(lambda work: work.events.list(EventFilter(limit=500)), context)
    assert [e.type for e in logged].count("config_changed") == len(events) == 1

"""API tokens never exceed their maker; roles deny by default; one administrator always remains."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.api.authentication import Authentication
from app.api.routing import PREFIX
from app.identity_provider import ROUTERS
from application.identity.opaque_secrets import PresentedApiToken
from tests.support.identity import IdentityService, identity_service
from tests.support.portfolio import refusal

PUBLIC = {"/auth/login", "/auth/refresh"}
ROUTES = sorted(
    (method, route.path.removeprefix(PREFIX))  # type: ignore[attr-defined]
    for router in ROUTERS
    for route in router.routes
    for method in route.methods  # type: ignore[attr-defined]
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[IdentityService]:
    with identity_service(tmp_path) as running:
        yield running


def _me(service: IdentityService, token: str) -> int:
    return service.call("GET", "/auth/me", token).status_code


@pytest.mark.parametrize(("method", "path"), [r for r in ROUTES if r[1] not in PUBLIC])
def test_every_route_refuses_strangers(service: IdentityService, method: str, path: str) -> None:
    for token in (None, "nonsense", "blt_00_x", "blt_" + "0" * 32 + "_secret", "a.b.c"):
        answer = service.call(method, path.replace("{", "").replace("}", ""), token, {})
        assert refusal(answer) == (401, "not_authenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


VIEWER_MAY = {
    ("GET", "/auth/me"), ("PATCH", "/auth/me"), ("PUT", "/auth/password"),
    ("GET", "/auth/sessions"), ("DELETE", "/auth/sessions/{session_id}"),
    ("GET", "/auth/tokens"), ("POST", "/auth/tokens"), ("DELETE", "/auth/tokens/{token_id}"),
    ("POST", "/auth/logout"), ("POST", "/auth/reauthenticate"), ("POST", "/auth/totp"),
    ("POST", "/auth/totp/confirm"), ("POST", "/auth/totp/disable"), ("GET", "/settings"),
    ("GET", "/settings/export"), ("GET", "/settings/trading/status"),
}  # fmt: skip


def test_viewers_get_403_wherever_they_may_not(service: IdentityService) -> None:
    viewer = service.user("vera", "viewer")
    for method, path in ROUTES:
        if path in PUBLIC:
            continue
        answer = service.call(method, path.replace("{", "").replace("}", ""), viewer, {})
        allowed = (method, path) in VIEWER_MAY
        assert (answer.status_code != 403) is allowed, (method, path, answer.text)
        viewer = service.access("vera", "winter harbour bells") if "logout" in path else viewer


def test_token_is_shown_once_and_works(service: IdentityService) -> None:
    token = service.token("read")
    assert token.startswith("blt_")
    assert _me(service, token) == 200
    listed = service.call("GET", "/auth/tokens", service.first.api_token)
    assert len(listed.json()["items"]) == 2
    assert token.split("_", 2)[2] not in listed.text
    assert "token" not in listed.json()["items"][1]


def test_neither_store_nor_log_holds_a_secret(service: IdentityService, tmp_path: Path) -> None:
    session = service.session()
    presented = PresentedApiToken.parse(service.token("read"))
    assert presented is not None
    keyed = {"Idempotency_Key": "mint-1"}
    body = {"name": "x", "scopes": ["read"]}
    made = service.call("POST", "/auth/tokens", service.first.api_token, body, **keyed).json()
    service.container.get(type(service.store)).close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("ballast.db*"))
    for secret in (
        presented.secret, session["refresh_token"], session["access_token"],
        made["token"].split("_", 2)[2], service.first.api_token.split("_", 2)[2],
    ):  # fmt: skip
        assert secret.encode() not in stored


def test_replayed_creation_makes_one_token_and_hides_its_text(service: IdentityService) -> None:
    owner, body = service.first.api_token, {"name": "x", "scopes": ["read"]}
    first = service.call("POST", "/auth/tokens", owner, body, Idempotency_Key="k")
    again = service.call("POST", "/auth/tokens", owner, body, Idempotency_Key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json() | {"token": None}
    assert len(service.call("GET", "/auth/tokens", owner).json()["items"]) == 2


def test_token_scopes_are_limited_by_role_and_by_the_making_credential(
    service: IdentityService,
) -> None:
    trader = service.user("tom", "trader")
    body = {"name": "x", "scopes": ["read", "admin"]}
    refused = service.call("POST", "/auth/tokens", trader, body)
    assert refusal(refused) == (403, "scope_not_allowed")
    assert refused.json()["context"] == {"scopes": ["admin"]}
    reader = service.token("read", by=trader)
    assert refusal(service.call("GET", "/users", reader)) == (403, "access_denied")
    assert refusal(service.call("PATCH", "/settings", reader, {})) == (403, "access_denied")


def test_scripts_token_may_not_manage_logins_but_may_revoke_itself(
    service: IdentityService,
) -> None:
    script = service.token("read", "trade", "risk")
    for method, path, body in (
        ("POST", "/auth/tokens", {"name": "x", "scopes": ["read"]}),
        ("PUT", "/auth/password", {"current_password": "a", "new_password": "b"}),
        ("DELETE", "/auth/sessions/ses_1", None),
        ("POST", "/auth/totp", {"password": "a"}),
    ):
        assert refusal(service.call(method, path, script, body)) == (403, "access_denied")
    other = service.token("read")
    other_path = f"/auth/tokens/tok_{other.split('_')[1]}"
    assert refusal(service.call("DELETE", other_path, script)) == (403, "access_denied")
    own_path = f"/auth/tokens/tok_{script.split('_')[1]}"
    assert service.call("DELETE", own_path, script).status_code == 204
    assert _me(service, script) == 401


def test_demotion_shrinks_old_tokens_at_once(service: IdentityService) -> None:
    access = service.user("tom", "trader")
    token = service.token("read", "trade", by=access)
    me = service.call("GET", "/auth/me", token).json()
    assert me["scopes"] == ["read", "trade"]
    demoted = {"role": "viewer"}
    path, tag = f"/users/{me['id']}", service.tag(me["id"])
    service.call("PATCH", path, service.first.api_token, demoted, If_Match=tag)
    assert service.call("GET", "/auth/me", token).json()["scopes"] == ["read"]
    assert refusal(service.call("GET", "/auth/me", access)) == (401, "not_authenticated")


def test_revoked_token_stops_at_once(service: IdentityService) -> None:
    token = service.token("read")
    assert _me(service, token) == 200
    path = f"/auth/tokens/tok_{token.split('_')[1]}"
    assert service.call("DELETE", path, service.first.api_token).status_code == 204
    assert _me(service, token) == 401
    again = service.call("DELETE", path, service.first.api_token)
    assert refusal(again) == (404, "token_not_found")


def test_token_with_another_secret_is_refused(service: IdentityService) -> None:
    token = service.token("read")
    assert _me(service, token[:-1] + ("A" if token[-1] != "A" else "B")) == 401


def test_expired_token_says_so_even_when_remembered(service: IdentityService) -> None:
    over = (service.clock.now() + timedelta(seconds=3)).isoformat()
    token = service.token("read", expires_at=over)
    assert _me(service, token) == 200
    service.clock.pass_time(seconds=3)
    assert refusal(service.call("GET", "/auth/me", token)) == (401, "token_expired")
    late = {"name": "x", "scopes": ["read"], "expires_at": over}
    made = service.call("POST", "/auth/tokens", service.first.api_token, late)
    assert refusal(made) == (422, "invalid_request")


def test_token_is_bound_to_its_addresses(service: IdentityService) -> None:
    near = service.token("read", addresses=["127.0.0.0/8"])
    far = service.token("read", addresses=["10.0.0.0/8", "2001:db8::/32"])
    assert (_me(service, near), _me(service, far)) == (200, 401)
    body = {"name": "x", "scopes": ["read"], "addresses": ["10.0.0.0/8", "10.0.0.1/8", "home"]}
    made = service.call("POST", "/auth/tokens", service.first.api_token, body)
    assert refusal(made) == (422, "invalid_address")
    assert [e["pointer"] for e in made.json()["errors"]] == ["/addresses/1", "/addresses/2"]


def test_remembered_token_still_checks_the_address_of_each_request(
    service: IdentityService,
) -> None:
    token = service.token("read", addresses=["127.0.0.1"])
    gate: Authentication = service.container.get(Authentication)
    assert service.client.portal is not None
    portal = service.client.portal
    assert portal.call(gate.principal_of, token, "127.0.0.1").via == "token"
    assert portal.call(gate.principal_of, token, "::ffff:127.0.0.1").via == "token"
    for elsewhere in ("10.0.0.1", None, "nowhere"):
        with pytest.raises(Exception, match="valid access token"):
            portal.call(gate.principal_of, token, elsewhere)


def test_remembered_credential_costs_no_query(
    service: IdentityService, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate: Authentication = service.container.get(Authentication)
    asked = []
    query = service.store.query
    monkeypatch.setattr(
        service.store,
        "query",
        lambda *args: asked.append(1) or query(*args),  # type: ignore[func-returns-value]
    )
    assert service.client.portal is not None
    for expected in (1, 1, 1):
        service.client.portal.call(gate.principal_of, service.first.api_token, "127.0.0.1")
        assert len(asked) == expected
    service.clock.pass_time(seconds=5)
    service.client.portal.call(gate.principal_of, service.first.api_token, "127.0.0.1")
    assert len(asked) == 2


def test_last_use_is_recorded_at_most_once_a_minute(service: IdentityService) -> None:
    def last_used() -> object:
        service.store.command(lambda work: None, _anybody()).result()  # after what was queued
        items = service.call("GET", "/auth/tokens", service.first.api_token).json()["items"]
        return items[-1]["last_used_at"]

    token = service.token("read")
    assert last_used() is None
    _me(service, token)
    first = last_used()
    assert first == "2026-01-05T15:00:00Z"
    service.clock.pass_time(seconds=59)
    _me(service, token)
    assert last_used() == first
    service.clock.pass_time(seconds=6)
    _me(service, token)
    assert last_used() == "2026-01-05T15:01:05Z"


def test_user_gets_a_generated_password_once(service: IdentityService) -> None:
    body = {"username": "Ada", "role": "trader"}
    made = service.call("POST", "/users", service.first.api_token, body)
    assert made.status_code == 201
    assert made.json()["username"] == made.json()["display_name"] == "ada"
    assert len(made.json()["password"]) == 20
    assert service.login("ada", made.json()["password"]).status_code == 200
    listed = service.call("GET", "/users", service.first.api_token)
    assert made.json()["password"] not in listed.text
    assert [user["username"] for user in listed.json()["items"]] == ["owner", "ada"]


def test_user_names_are_checked_and_unique(service: IdentityService) -> None:
    owner = service.first.api_token
    taken = service.call("POST", "/users", owner, {"username": "OWNER", "role": "viewer"})
    assert refusal(taken) == (409, "username_taken")
    for name in ("a", "zwei worte", "é" * 4, "-x"):
        bad = service.call("POST", "/users", owner, {"username": name, "role": "viewer"})
        assert refusal(bad) == (422, "invalid_username")
    body = {"username": "ada", "role": "viewer", "password": "ada1234567890"}
    assert refusal(service.call("POST", "/users", owner, body)) == (422, "weak_password")


def test_new_users_share_the_owners_book(service: IdentityService) -> None:
    service.user("tom", "trader")
    found = service.store.query(lambda work: work.users.find_by_name("tom"), _anybody())
    assert found is not None
    assert found.owner_id == service.first.owner_id


def test_last_administrator_can_be_neither_demoted_nor_removed(service: IdentityService) -> None:
    owner = service.first.api_token
    me = service.call("GET", "/auth/me", owner).json()["id"]
    tag = service.tag(me)
    for change in ({"role": "trader"}, {"is_active": False}):
        refused = service.call("PATCH", f"/users/{me}", owner, change, If_Match=tag)
        assert refusal(refused) == (409, "last_admin")
    refused = service.call("DELETE", f"/users/{me}", owner, If_Match=tag)
    assert refusal(refused) == (409, "last_admin")
    ada = service.user("ada", "admin")
    assert service.call("DELETE", f"/users/{me}", ada, If_Match=tag).status_code == 204
    assert _me(service, owner) == 401


def test_removed_user_loses_sessions_and_tokens(service: IdentityService) -> None:
    access = service.user("tom", "trader")
    token = service.token("read", by=access)
    user_id = service.call("GET", "/auth/me", access).json()["id"]
    assert _me(service, token) == 200
    path, tag = f"/users/{user_id}", service.tag(user_id)
    removed = service.call("DELETE", path, service.first.api_token, If_Match=tag)
    assert removed.status_code == 204
    assert (_me(service, access), _me(service, token)) == (401, 401)
    assert refusal(service.login("tom", "winter harbour bells")) == (401, "invalid_login")
    missing = service.call("DELETE", path, service.first.api_token, If_Match=tag)
    assert refusal(missing) == (404, "user_not_found")


def test_deactivated_user_is_out_and_can_come_back(service: IdentityService) -> None:
    access = service.user("tom", "trader")
    user_id = service.call("GET", "/auth/me", access).json()["id"]
    path, owner = f"/users/{user_id}", service.first.api_token
    off = service.call("PATCH", path, owner, {"is_active": False}, If_Match=service.tag(user_id))
    assert off.json()["is_active"] is False
    assert _me(service, access) == 401
    assert service.login("tom", "winter harbour bells").status_code == 401
    service.call("PATCH", path, owner, {"is_active": True}, If_Match=off.headers["ETag"])
    assert service.login("tom", "winter harbour bells").status_code == 200
    assert _me(service, access) == 401, "an old session does not come back"


def test_administrator_sets_a_password(service: IdentityService) -> None:
    access = service.user("tom", "trader")
    user_id = service.call("GET", "/auth/me", access).json()["id"]
    body = {"password": "eleven quiet herrings"}
    path, tag = f"/users/{user_id}", service.tag(user_id)
    changed = service.call("PATCH", path, service.first.api_token, body, If_Match=tag)
    assert changed.status_code == 200
    assert _me(service, access) == 401
    assert service.login("tom", "eleven quiet herrings").status_code == 200


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_user_is_changed_and_removed_only_at_the_version_that_was_read(
    service: IdentityService, method: str
) -> None:
    user_id = service.call("GET", "/auth/me", service.user("tom", "trader")).json()["id"]
    path, owner, read = f"/users/{user_id}", service.first.api_token, service.tag(user_id)
    service.call("PATCH", path, owner, {"display_name": "Thomas"}, If_Match=read)
    blind = service.call(method, path, owner, {"role": "viewer"})
    assert refusal(blind) == (428, "precondition_required")
    stale = service.call(method, path, owner, {"role": "viewer"}, If_Match=read)
    assert refusal(stale) == (412, "stale_version")
    now = service.tag(user_id)
    assert service.call(method, path, owner, {"role": "viewer"}, If_Match=now).is_success


def test_lists_count_exactly_when_asked(service: IdentityService) -> None:
    access, owner = service.user("tom", "trader"), service.first.api_token
    service.token("read", by=access)
    service.token("read", "trade", by=access)
    other = service.session("tom", "winter harbour bells")
    service.call("POST", "/auth/logout", other["access_token"])
    for path, token, total in (
        ("/users", owner, 2), ("/auth/tokens", access, 2), ("/auth/sessions", access, 1),
    ):  # fmt: skip
        assert service.call("GET", path, token).json()["total"] is None
        page = service.call("GET", f"{path}?count=exact&limit=1", token).json()
        assert (page["total"], len(page["items"])) == (total, 1), path


def test_another_owners_user_is_not_found(service: IdentityService) -> None:
    from dataclasses import replace

    def plant(work):  # type: ignore[no-untyped-def]
        founder = work.users.founder()
        work.users.add(replace(founder, id="usr_other", owner_id="usr_other", username="other"))

    service.store.command(plant, _anybody()).result()
    owner = service.first.api_token
    assert [u["username"] for u in service.call("GET", "/users", owner).json()["items"]] == [
        "owner"
    ]
    for method in ("PATCH", "DELETE"):
        answer = service.call(method, "/users/usr_other", owner, {}, If_Match='"1"')
        assert refusal(answer) == (404, "user_not_found")


def test_every_mutation_is_an_event_of_its_actor(service: IdentityService) -> None:
    access = service.user("tom", "trader")
    token = service.token("read", by=access)
    service.call("DELETE", f"/auth/tokens/tok_{token.split('_')[1]}", access)
    service.call("POST", "/auth/logout", access)
    tom = service.call("GET", "/users", service.first.api_token).json()["items"][1]["id"]
    service.call("DELETE", f"/users/{tom}", service.first.api_token, If_Match=service.tag(tom))
    assert [(e.type, e.actor == tom) for e in service.events()] == [
        ("user_created", False), ("user_created", False), ("session_opened", True),
        ("token_created", True), ("token_revoked", True), ("session_revoked", True),
        ("user_deleted", False),
    ]  # fmt: skip


def test_with_authentication_off_everybody_is_the_owner(tmp_path: Path) -> None:
    with identity_service(tmp_path, auth="off") as service:
        me = service.call("GET", "/auth/me")
        assert me.json()["username"] == "owner"
        assert me.json()["via"] == "off"
        assert service.call("GET", "/users", "nonsense").status_code == 200


def test_lists_are_paged(service: IdentityService) -> None:
    for number in range(3):
        service.token("read", by=service.first.api_token)
        service.call(
            "POST", "/users", service.first.api_token, {"username": f"u{number}", "role": "viewer"}
        )
    first = service.call("GET", "/auth/tokens?limit=3", service.first.api_token).json()
    path = f"/auth/tokens?limit=3&cursor={first['next_cursor']}"
    rest = service.call("GET", path, service.first.api_token).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (3, 1, None)


def _anybody():  # type: ignore[no-untyped-def]
    from application.context import RequestContext

    return RequestContext("usr_somebody", "test", "req_test")

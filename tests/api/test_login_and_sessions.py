"""Login, refresh, logout, password change and the delays for those who guess."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.api.authentication import Authentication
from application.context import Principal, Scope
from application.identity.proof import require_fresh_login
from application.identity.totp import code_at, step_of
from domain.shared.errors import AccessDenied
from tests.support.identity import OWNER_PASSWORD, IdentityService, identity_service
from tests.support.portfolio import refusal

NEW_PASSWORD = "seven grey herons waiting"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[IdentityService]:
    with identity_service(tmp_path) as running:
        yield running


def test_owner_logs_in_and_is_named_by_me(service: IdentityService) -> None:
    session = service.session()
    me = service.call("GET", "/auth/me", session["access_token"])
    assert me.status_code == 200
    assert me.json()["username"] == "owner"
    assert me.json()["scopes"] == ["read", "trade", "risk", "admin"]
    assert me.json()["credential_id"] == session["session_id"]
    assert session["token_type"] == "bearer"
    assert session["expires_in"] == 1800


def test_login_needs_a_form_and_names_missing_fields(service: IdentityService) -> None:
    as_json = service.call("POST", "/auth/login", body={"username": "owner", "password": "x"})
    assert refusal(as_json) == (415, "unsupported_media_type")
    nameless = service.client.post("/api/v1/auth/login", data={"password": "x"})
    assert refusal(nameless) == (422, "invalid_request")
    assert nameless.json()["errors"][0]["pointer"] == "/username"


def test_login_takes_the_fields_swagger_sends(service: IdentityService) -> None:
    assert service.login(grant_type="password", scope="read trade", client_id="").status_code == 200


def test_user_name_is_not_case_sensitive(service: IdentityService) -> None:
    assert service.login("  OWNER ").status_code == 200


def test_wrong_password_and_unknown_user_answer_alike(service: IdentityService) -> None:
    wrong, unknown = service.login(password="not the right one"), service.login("nobody")
    assert refusal(wrong) == refusal(unknown) == (401, "invalid_login")
    assert wrong.json()["detail"] == unknown.json()["detail"]


@pytest.mark.parametrize("name", ["nobody", "\x00", "' OR 1=1 --", "x" * 60])
def test_unknown_user_costs_one_hash_like_a_known_one(service: IdentityService, name: str) -> None:
    service.hasher.verify_decoy("make the decoy first")
    before = service.hasher.verified
    service.login(password="not the right one")
    known = service.hasher.verified - before
    assert refusal(service.login(name)) == (401, "invalid_login")
    assert service.hasher.verified - before - known == known == 1


def test_failed_login_is_logged_without_what_was_typed(service: IdentityService) -> None:
    service.login(password="typed-secret-1")
    service.login("typed-secret-2")
    failed = service.events("login_failed")
    assert [event.aggregate_type for event in failed] == ["user", "login"]
    assert "typed-secret" not in repr(failed)


def test_fifth_failure_delays_and_every_further_one_doubles(service: IdentityService) -> None:
    for _ in range(4):
        assert refusal(service.login(password="not the right one")) == (401, "invalid_login")
    delays = []
    for _ in range(5):
        assert refusal(service.login(password="not the right one")) == (401, "invalid_login")
        answer = service.login()
        assert refusal(answer) == (429, "login_delayed")
        delays.append(int(answer.headers["Retry-After"]))
        service.clock.pass_time(seconds=delays[-1])
    assert delays == [5, 10, 20, 40, 80]


def test_delay_of_a_user_holds_for_the_right_password_and_ends(tmp_path: Path) -> None:
    with identity_service(tmp_path, peer="10.0.0.9") as service:
        for _ in range(5):
            service.login(password="not the right one")
        hashes = service.hasher.verified
        assert refusal(service.login()) == (429, "login_delayed")
        assert service.hasher.verified == hashes
        service.clock.pass_time(seconds=5)
        assert service.login().status_code == 200


def test_failures_count_per_address_across_users(service: IdentityService) -> None:
    for number in range(5):
        service.login(f"nobody{number}")
    assert refusal(service.login()) == (429, "login_delayed")


def test_login_budget_per_address_is_a_rate_limit(tmp_path: Path) -> None:
    with identity_service(tmp_path, rate_auth_per_15_minutes=2) as service:
        assert [service.login().status_code for _ in range(3)] == [200, 200, 429]
        assert refusal(service.login()) == (429, "rate_limited")


def test_refresh_rotates_and_the_new_pair_works(service: IdentityService) -> None:
    first = service.session()
    second = service.call("POST", "/auth/refresh", body={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert second.json()["session_id"] == first["session_id"]
    assert service.call("GET", "/auth/me", second.json()["access_token"]).status_code == 200


def test_reused_refresh_token_revokes_the_whole_family(service: IdentityService) -> None:
    first = service.session()
    body = {"refresh_token": first["refresh_token"]}
    second = service.call("POST", "/auth/refresh", body=body).json()
    assert refusal(service.call("POST", "/auth/refresh", body=body)) == (
        401, "refresh_token_reused",
    )  # fmt: skip
    newest = service.call("POST", "/auth/refresh", body={"refresh_token": second["refresh_token"]})
    assert refusal(newest) == (401, "invalid_refresh_token")
    for access in (first["access_token"], second["access_token"]):
        assert refusal(service.call("GET", "/auth/me", access)) == (401, "not_authenticated")
    (revoked,) = service.events("session_revoked")
    assert revoked.data["outputs"]["reason"] == "refresh_token_reused"  # type: ignore[index]


def test_reuse_ends_only_that_session(service: IdentityService) -> None:
    stolen, other = service.session(), service.session()
    for _ in range(2):
        service.call("POST", "/auth/refresh", body={"refresh_token": stolen["refresh_token"]})
    assert service.call("GET", "/auth/me", other["access_token"]).status_code == 200


def test_refresh_token_ends_after_two_weeks_without_use(service: IdentityService) -> None:
    body = {"refresh_token": service.session()["refresh_token"]}
    service.clock.pass_time(days=14)
    assert refusal(service.call("POST", "/auth/refresh", body=body)) == (401, "token_expired")
    unknown = service.call("POST", "/auth/refresh", body={"refresh_token": "blr_unknown"})
    assert refusal(unknown) == (401, "invalid_refresh_token")


def test_access_token_ends_after_half_an_hour_and_its_leeway(service: IdentityService) -> None:
    access = service.access()
    service.clock.pass_time(minutes=30, seconds=29)
    assert service.call("GET", "/auth/me", access).status_code == 200
    service.clock.pass_time(seconds=1)
    assert refusal(service.call("GET", "/auth/me", access)) == (401, "token_expired")


def test_logout_ends_access_and_refresh_at_once(service: IdentityService) -> None:
    session = service.session()
    access = session["access_token"]
    assert service.call("GET", "/auth/me", access).status_code == 200
    assert service.call("POST", "/auth/logout", access).status_code == 204
    assert refusal(service.call("GET", "/auth/me", access)) == (401, "not_authenticated")
    body = {"refresh_token": session["refresh_token"]}
    assert refusal(service.call("POST", "/auth/refresh", body=body)) == (
        401, "invalid_refresh_token",
    )  # fmt: skip
    token = service.first.api_token
    assert refusal(service.call("POST", "/auth/logout", token)) == (409, "not_a_session")


def test_sessions_are_listed_and_ended_one_by_one(service: IdentityService) -> None:
    mine, other = service.session(), service.session()
    listed = service.call("GET", "/auth/sessions", mine["access_token"]).json()["items"]
    assert {s["id"]: s["current"] for s in listed} == {
        mine["session_id"]: True,
        other["session_id"]: False,
    }
    path = f"/auth/sessions/{other['session_id']}"
    assert service.call("DELETE", path, mine["access_token"]).status_code == 204
    assert service.call("GET", "/auth/me", other["access_token"]).status_code == 401
    left = service.call("GET", "/auth/sessions", mine["access_token"]).json()["items"]
    assert [s["id"] for s in left] == [mine["session_id"]]


def test_another_users_session_is_not_found(service: IdentityService) -> None:
    ada = service.user("ada", "admin")
    path = f"/auth/sessions/{service.session()['session_id']}"
    assert refusal(service.call("DELETE", path, ada)) == (404, "session_not_found")


def test_password_change_ends_every_session_and_keeps_tokens(service: IdentityService) -> None:
    mine, other = service.session(), service.session()
    body = {"current_password": OWNER_PASSWORD, "new_password": NEW_PASSWORD}
    assert service.call("PUT", "/auth/password", mine["access_token"], body).status_code == 204
    for session in (mine, other):
        assert service.call("GET", "/auth/me", session["access_token"]).status_code == 401
        again = {"refresh_token": session["refresh_token"]}
        assert service.call("POST", "/auth/refresh", body=again).status_code == 401
    assert service.call("GET", "/auth/me", service.first.api_token).status_code == 200
    assert service.login().status_code == 401
    assert service.login(password=NEW_PASSWORD).status_code == 200
    changed = service.events("password_changed")
    assert len(changed) == 1
    assert NEW_PASSWORD not in repr(changed)


def test_password_change_needs_the_old_password_and_a_strong_new_one(
    service: IdentityService,
) -> None:
    access = service.access()
    wrong = {"current_password": "not the right one", "new_password": NEW_PASSWORD}
    assert refusal(service.call("PUT", "/auth/password", access, wrong)) == (403, "wrong_proof")
    for weak in ("tiny-pass", "password12345", OWNER_PASSWORD):
        body = {"current_password": OWNER_PASSWORD, "new_password": weak}
        refused = service.call("PUT", "/auth/password", access, body)
        assert refusal(refused) == (422, "weak_password")
        assert weak not in refused.text
    assert service.call("GET", "/auth/me", access).status_code == 200


def test_wrong_old_passwords_are_delayed_like_logins(service: IdentityService) -> None:
    access = service.access()
    wrong = {"current_password": "not the right one", "new_password": NEW_PASSWORD}
    for _ in range(5):
        service.call("PUT", "/auth/password", access, wrong)
    assert refusal(service.call("PUT", "/auth/password", access, wrong)) == (429, "login_delayed")


def test_profile_keeps_versions(service: IdentityService) -> None:
    access = service.access()
    read = service.call("GET", "/auth/me", access)
    body, tag = {"display_name": " Ada "}, read.headers["ETag"]
    blind = service.call("PATCH", "/auth/me", access, body)
    assert refusal(blind) == (428, "precondition_required")
    changed = service.call("PATCH", "/auth/me", access, body, If_Match=tag)
    assert changed.json()["display_name"] == "Ada"
    stale = service.call("PATCH", "/auth/me", access, {"display_name": "Eve"}, If_Match=tag)
    assert refusal(stale) == (412, "stale_version")


class TestSecondFactor:
    def _code(self, service: IdentityService, offset: int = 0) -> str:
        user = service.store.query(lambda work: work.users.find_by_name("owner"), _context(service))
        assert user is not None
        assert user.second_factor is not None
        secret = service.codes.secret_of(user, user.second_factor.salt)
        return code_at(secret, step_of(service.clock.now()) + offset)

    def _enrol(self, service: IdentityService) -> str:
        access = service.access()
        started = service.call("POST", "/auth/totp", access, {"password": OWNER_PASSWORD})
        assert started.status_code == 200
        assert started.json()["secret"] in started.json()["uri"]
        assert service.login().status_code == 200, "not on before it was confirmed"
        code = {"code": self._code(service)}
        assert service.call("POST", "/auth/totp/confirm", access, code).status_code == 204
        return access

    def test_code_is_asked_for_once_it_was_confirmed(self, service: IdentityService) -> None:
        self._enrol(service)
        service.clock.pass_time(seconds=30)
        assert refusal(service.login()) == (401, "totp_required")
        assert service.login(totp=self._code(service)).status_code == 200

    def test_a_step_is_never_accepted_twice(self, service: IdentityService) -> None:
        self._enrol(service)
        assert refusal(service.login(totp=self._code(service))) == (401, "invalid_login")
        service.clock.pass_time(seconds=30)
        code = self._code(service)
        assert service.login(totp=code).status_code == 200
        assert refusal(service.login(totp=code)) == (401, "invalid_login")

    def test_one_step_of_drift_is_accepted_and_two_are_not(self, service: IdentityService) -> None:
        self._enrol(service)
        service.clock.pass_time(minutes=5)
        assert service.login(totp=self._code(service, -2)).status_code == 401
        assert service.login(totp=self._code(service, 2)).status_code == 401
        assert service.login(totp=self._code(service, -1)).status_code == 200
        assert service.login(totp=self._code(service, 1)).status_code == 200

    def test_right_password_with_a_wrong_code_is_a_failure(self, service: IdentityService) -> None:
        self._enrol(service)
        service.clock.pass_time(minutes=5)
        for _ in range(5):
            service.login(totp=self._code(service, 5))
        assert refusal(service.login(totp=self._code(service))) == (429, "login_delayed")

    def test_switching_off_takes_both_factors(self, service: IdentityService) -> None:
        access = self._enrol(service)
        service.clock.pass_time(seconds=60)
        wrong = {"password": OWNER_PASSWORD, "code": self._code(service, 9)}
        assert refusal(service.call("POST", "/auth/totp/disable", access, wrong)) == (
            403, "wrong_proof",
        )  # fmt: skip
        right = {"password": OWNER_PASSWORD, "code": self._code(service)}
        assert service.call("POST", "/auth/totp/disable", access, right).status_code == 204
        assert service.login().status_code == 200

    def test_administrator_helps_with_a_lost_device(self, service: IdentityService) -> None:
        access = self._enrol(service)
        me = service.call("GET", "/auth/me", access).json()
        assert me["totp_enabled"] is True
        body = {"totp_enabled": False}
        path, tag = f"/users/{me['id']}", service.tag(me["id"])
        reset = service.call("PATCH", path, service.first.api_token, body, If_Match=tag)
        assert reset.json()["totp_enabled"] is False
        assert service.login().status_code == 200

    def test_code_refreshes_a_login(self, service: IdentityService) -> None:
        access = self._enrol(service)
        service.clock.pass_time(minutes=6)
        proof = {"totp": self._code(service)}
        assert service.call("POST", "/auth/reauthenticate", access, proof).status_code == 204
        assert refusal(service.call("POST", "/auth/reauthenticate", access, proof)) == (
            403, "wrong_proof",
        )  # fmt: skip
        assert refusal(service.call("POST", "/auth/reauthenticate", access, {})) == (
            400, "proof_missing",
        )  # fmt: skip


def _context(service: IdentityService):  # type: ignore[no-untyped-def]
    from application.context import RequestContext

    return RequestContext(service.first.owner_id, "test", "req_test")


def _principal(service: IdentityService, credential: str) -> Principal:
    gate: Authentication = service.container.get(Authentication)
    assert service.client.portal is not None
    return service.client.portal.call(gate.principal_of, credential, "127.0.0.1")


def _is_fresh(service: IdentityService, credential: str) -> bool:
    by = _principal(service, credential)
    try:
        service.store.query(
            lambda work: require_fresh_login(by, work, token_scope=Scope.RISK), _context(service)
        )
    except AccessDenied as refused:
        assert refused.code == "reauthentication_required"
        return False
    return True


def test_login_is_fresh_for_five_minutes_and_again_after_a_proof(
    service: IdentityService,
) -> None:
    access = service.access()
    assert _is_fresh(service, access)
    service.clock.pass_time(minutes=5, seconds=1)
    assert not _is_fresh(service, access)
    proof = {"password": OWNER_PASSWORD}
    assert service.call("POST", "/auth/reauthenticate", access, proof).status_code == 204
    assert _is_fresh(service, access)


def test_refresh_does_not_make_a_login_fresh(service: IdentityService) -> None:
    body = {"refresh_token": service.session()["refresh_token"]}
    service.clock.pass_time(minutes=6)
    renewed = service.call("POST", "/auth/refresh", body=body).json()
    assert not _is_fresh(service, renewed["access_token"])


def test_token_is_fresh_only_with_the_scope_asked_for(service: IdentityService) -> None:
    assert _is_fresh(service, service.token("read", "risk"))
    assert not _is_fresh(service, service.token("read", "trade"))

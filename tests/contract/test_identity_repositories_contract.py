"""First start, users, sessions, tokens and settings on SQLite and PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from application.context import RequestContext, Role, Scope
from application.identity.api_token import ApiToken
from application.identity.bootstrap import CreateOwner, FirstStart
from application.identity.opaque_secrets import PresentedApiToken, digest, matches
from application.identity.session import RefreshToken, Session
from application.identity.user import SecondFactor, User
from application.ports.repositories import EventFilter, Page
from application.settings.service_settings import ServiceSettings
from domain.shared.errors import Conflict, Invalid, NotFound, StaleVersion
from infrastructure.clock import SystemClock
from infrastructure.ids import UuidIds
from infrastructure.persistence.store import SqlStore
from tests.support.databases import empty, opened, sqlite_address
from tests.support.identity import CountingHasher

AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
MINE = RequestContext("usr_1", "usr_1", "req_1")
USER = User("usr_1", "usr_1", "ada", "Ada", Role.ADMIN, "hash", 1, True, AT, AT)
SESSION = Session(
    "ses_1", "usr_1", "usr_1", AT, AT, AT, AT + timedelta(days=90), "127.0.0.1", "curl"
)
TOKEN = ApiToken(
    "tok_1", "usr_1", "usr_1", "script", digest("s"), frozenset({Scope.READ, Scope.RISK}),
    ("10.0.0.0/8",), AT, AT + timedelta(days=1),
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    if request.param == "sqlite":
        address = sqlite_address(tmp_path)
    else:
        address = request.getfixturevalue("postgresql_address")
    with opened(address) as database:
        if request.param == "postgresql":
            empty(database)
        running = SqlStore(database, SystemClock())
        yield running
        running.writer.close()


def _do(store: SqlStore, work):  # type: ignore[no-untyped-def]
    return store.command(work, MINE).result()


def _start(store: SqlStore, password: str | None = None) -> FirstStart | None:
    return CreateOwner(store, CountingHasher(), UuidIds(), SystemClock())(password)


def test_first_start_creates_the_owner_once(store: SqlStore) -> None:
    first = _start(store)
    assert first is not None
    assert first.username == "owner"
    assert first.password is not None
    assert len(first.password) == 20
    assert _start(store) is None
    context = RequestContext(first.owner_id, "test", "req_test")
    founder = store.query(lambda work: work.users.founder(), context)
    assert founder is not None
    assert founder.id == founder.owner_id == first.owner_id
    assert CountingHasher().verify(founder.password_hash, first.password)
    presented = PresentedApiToken.parse(first.api_token)
    assert presented is not None
    stored = store.query(lambda work: work.api_tokens.find(presented.token_id), context)
    assert stored is not None
    assert matches(stored.digest, presented.secret)
    assert stored.scopes == frozenset(Scope)
    events = store.query(lambda work: work.events.list(EventFilter()), context)
    assert [event.type for event in events] == ["user_created"]
    assert first.password not in repr(events)
    assert presented.secret not in repr(events)


def test_owner_exists_only_with_a_kept_token(store: SqlStore) -> None:
    def full_disk(_token: str) -> None:
        raise OSError("no space left")

    create = CreateOwner(store, CountingHasher(), UuidIds(), SystemClock())
    with pytest.raises(OSError, match="no space"):
        create(keep_token=full_disk)
    assert store.query(lambda work: work.users.founder(), MINE) is None
    kept: list[str] = []
    first = create(keep_token=kept.append)
    assert first is not None
    assert kept == [first.api_token]
    assert create(keep_token=kept.append) is None
    assert len(kept) == 1


def test_preset_password_is_checked_and_never_shown(store: SqlStore) -> None:
    with pytest.raises(Invalid):
        _start(store, "short")
    assert store.query(lambda work: work.users.founder(), MINE) is None
    first = _start(store, "brass lantern over the quay")
    assert first is not None
    assert first.password is None


def test_user_comes_back_as_stored(store: SqlStore) -> None:
    full = replace(USER, last_login_at=AT, second_factor=SecondFactor("salt", AT, 58_000_000))
    _do(store, lambda work: work.users.add(full))
    assert _do(store, lambda work: work.users.get("usr_1")) == full
    assert _do(store, lambda work: work.users.find_by_name("ada")) == full
    with pytest.raises(Conflict, match="taken"):
        _do(store, lambda work: work.users.add(replace(full, id="usr_2")))


def test_users_are_versioned_and_owned(store: SqlStore) -> None:
    _do(store, lambda work: work.users.add(USER))
    _do(store, lambda work: work.users.save(replace(USER, role=Role.TRADER, version=2)))
    with pytest.raises(StaleVersion):
        _do(store, lambda work: work.users.save(replace(USER, version=2)))
    assert _do(store, lambda work: work.users.active_admin_count()) == 0
    stranger = RequestContext("usr_other", "x", "req_1")
    with pytest.raises(NotFound):
        store.query(lambda work: work.users.get("usr_1"), stranger)
    assert store.query(lambda work: work.users.list(Page()), stranger) == []


def test_founder_is_the_first_active_administrator(store: SqlStore) -> None:
    _do(store, lambda work: work.users.add(replace(USER, is_active=False)))
    second = replace(USER, id="usr_2", username="eve")
    _do(store, lambda work: work.users.add(second))
    assert _do(store, lambda work: work.users.founder()) == second


def test_sessions_rotate_end_and_are_forgotten(store: SqlStore) -> None:
    def scene(work):  # type: ignore[no-untyped-def]
        work.users.add(USER)
        for number in (1, 2):
            work.sessions.add(replace(SESSION, id=f"ses_{number}"))
        work.sessions.add_refresh(RefreshToken("d1", "ses_1", AT, AT + timedelta(days=14)))
        work.sessions.mark_used("d1", AT)

    _do(store, scene)
    assert _do(store, lambda work: work.sessions.find_refresh("d1").used_at) == AT
    assert _do(store, lambda work: work.sessions.find_refresh("d2")) is None
    assert _do(store, lambda work: work.sessions.get("ses_1", "usr_1")) == SESSION
    with pytest.raises(NotFound):
        _do(store, lambda work: work.sessions.get("ses_1", "usr_2"))
    assert _do(store, lambda work: work.sessions.revoke_all("usr_1", AT, "test")) == 2
    assert _do(store, lambda work: work.sessions.revoke_all("usr_1", AT, "test")) == 0
    assert _do(store, lambda work: work.sessions.list("usr_1", AT, Page())) == []
    assert _do(store, lambda work: work.sessions.forget_before(AT)) == 0
    assert _do(store, lambda work: work.sessions.forget_before(AT + timedelta(seconds=1))) == 2
    assert _do(store, lambda work: work.sessions.find_refresh("d1")) is None


def test_tokens_come_back_as_stored_until_revoked(store: SqlStore) -> None:
    _do(store, lambda work: (work.users.add(USER), work.api_tokens.add(TOKEN)))
    assert _do(store, lambda work: work.api_tokens.get("tok_1", "usr_1")) == TOKEN
    with pytest.raises(NotFound):
        _do(store, lambda work: work.api_tokens.get("tok_1", "usr_2"))
    _do(store, lambda work: work.api_tokens.touch("tok_1", AT))
    assert _do(store, lambda work: work.api_tokens.find("tok_1").last_used_at) == AT
    _do(store, lambda work: work.api_tokens.revoke("tok_1", AT))
    assert _do(store, lambda work: work.api_tokens.find("tok_1").revoked_at) == AT
    assert _do(store, lambda work: work.api_tokens.count("usr_1")) == 0
    assert _do(store, lambda work: work.api_tokens.list("usr_1", Page())) == []


def test_deleting_a_user_takes_everything_along(store: SqlStore) -> None:
    def scene(work):  # type: ignore[no-untyped-def]
        work.users.add(USER)
        work.sessions.add(SESSION)
        work.sessions.add_refresh(RefreshToken("d1", "ses_1", AT, AT))
        work.api_tokens.add(TOKEN)
        work.users.delete("usr_1")
        return (
            work.users.find("usr_1"), work.sessions.find("ses_1"),
            work.sessions.find_refresh("d1"), work.api_tokens.find("tok_1"),
        )  # fmt: skip

    assert _do(store, scene) == (None, None, None, None)


def test_settings_are_versioned_per_owner(store: SqlStore) -> None:
    first = _do(store, lambda work: work.settings.read())
    assert first == ServiceSettings()
    second = first.changed({"trading_enabled": True, "default_leverage": 7}, AT)
    _do(store, lambda work: work.settings.save(second))
    assert _do(store, lambda work: work.settings.read()) == second
    with pytest.raises(StaleVersion):
        _do(store, lambda work: work.settings.save(second))
    third = second.changed({"trading_enabled": False}, AT)
    _do(store, lambda work: work.settings.save(third))
    with pytest.raises(StaleVersion):
        _do(store, lambda work: work.settings.save(third))
    stranger = RequestContext("usr_other", "x", "req_1")
    assert store.query(lambda work: work.settings.read(), stranger) == ServiceSettings()

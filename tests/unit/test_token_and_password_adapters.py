"""JWT access tokens, argon2 hashing, the login throttle and the secret's file."""

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from domain.shared.errors import NotAuthenticated, TooMany
from infrastructure.security.argon2_hasher import Argon2Hasher
from infrastructure.security.in_process_login_throttle import (
    KEYS_MAX,
    InProcessLoginThrottle,
)
from infrastructure.security.jwt_access_tokens import JwtAccessTokens
from infrastructure.security.login_delays import LoginDelays
from infrastructure.security.service_secret import (
    KeyRing,
    read_or_create_secret,
    weakness_of,
    write_private,
)

KEY = bytes(range(32))
AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "iss": "ballast", "aud": "ballast-api", "sub": "usr_1", "sid": "ses_1", "tv": 3, "jti": "j",
    "iat": int(AT.timestamp()), "nbf": int(AT.timestamp()), "exp": int(AT.timestamp()) + 1800,
}  # fmt: skip


def _signed(claims: dict[str, Any], key: bytes = KEY, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm=algorithm)


def _code(token: str, now: datetime = AT) -> str:
    with pytest.raises(NotAuthenticated) as refused:
        JwtAccessTokens(KEY).read(token, now)
    return refused.value.code


def test_issued_token_reads_back() -> None:
    issued = JwtAccessTokens(KEY).issue("usr_1", "ses_1", 3, AT)
    claims = JwtAccessTokens(KEY).read(issued.token, AT)
    assert (claims.user_id, claims.session_id, claims.token_version) == ("usr_1", "ses_1", 3)
    assert issued.expires_at == AT + timedelta(minutes=30)
    raw = jwt.decode(issued.token, options={"verify_signature": False})
    assert set(raw) == {"iss", "aud", "sub", "sid", "tv", "jti", "iat", "nbf", "exp"}


def test_hand_made_token_with_every_claim_is_accepted() -> None:
    assert JwtAccessTokens(KEY).read(_signed(GOOD), AT).user_id == "usr_1"


@pytest.mark.parametrize("claim", sorted(GOOD))
def test_no_claim_may_be_missing(claim: str) -> None:
    assert _code(_signed({k: v for k, v in GOOD.items() if k != claim})) == "not_authenticated"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "other"}, {"aud": "other"}, {"aud": ["other"]}, {"tv": "3"}, {"tv": True},
        {"tv": -1}, {"exp": "soon"}, {"exp": 10**30}, {"exp": -1}, {"nbf": None}, {"sid": 7},
        {"nbf": int(AT.timestamp()) + 31},
    ],
)  # fmt: skip
def test_wrong_claims_are_refused(change: dict[str, Any]) -> None:
    assert _code(_signed(GOOD | change)) == "not_authenticated"


def test_times_have_thirty_seconds_of_leeway() -> None:
    tokens = JwtAccessTokens(KEY)
    early = _signed(GOOD | {"nbf": int(AT.timestamp()) + 30})
    assert tokens.read(early, AT).user_id == "usr_1"
    late = AT + timedelta(seconds=1829)
    assert tokens.read(_signed(GOOD), late).user_id == "usr_1"
    assert _code(_signed(GOOD), AT + timedelta(seconds=1830)) == "token_expired"


def test_other_keys_and_algorithms_are_refused() -> None:
    assert _code(_signed(GOOD, bytes(32))) == "not_authenticated"
    assert _code(_signed(GOOD, KEY * 2, "HS512")) == "not_authenticated"
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps(GOOD).encode()).rstrip(b"=").decode()
    for signature in ("", "x"):
        assert _code(f"{header}.{body}.{signature}") == "not_authenticated"
    for nonsense in ("", "x", "a.b.c", "\u20ac.b.c"):
        assert _code(nonsense) == "not_authenticated"


def test_hash_is_argon2id_with_the_declared_parameters() -> None:
    hasher = Argon2Hasher()
    made = hasher.hash("brass lantern over the quay")
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.verify(made, "brass lantern over the quay")
    assert not hasher.verify(made, "brass lantern over the key")


def test_same_password_hashes_differently_and_damaged_hashes_fit_nothing() -> None:
    hasher = Argon2Hasher(memory_kib=8, time_cost=1)
    assert hasher.hash("x") != hasher.hash("x")
    for damaged in ("", "x", "$argon2id$v=19$m=8,t=1,p=1$AAAA$", "!"):
        assert hasher.verify(damaged, "x") is False


def test_weaker_hashes_are_outdated() -> None:
    old = Argon2Hasher(memory_kib=8, time_cost=1)
    assert Argon2Hasher().is_outdated(old.hash("x"))
    assert not old.is_outdated(old.hash("x"))


def test_never_more_than_two_hashes_at_once() -> None:
    class Gauge:
        def __init__(self) -> None:
            self.lock, self.inside, self.most = threading.Lock(), 0, 0
            self.both = threading.Barrier(2, timeout=10)

        def hash(self, password: str) -> str:
            with self.lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            self.both.wait()
            with self.lock:
                self.inside -= 1
            return password

    hasher, gauge = Argon2Hasher(), Gauge()
    hasher._argon2 = gauge  # type: ignore[assignment]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(hasher.hash, "abcdefgh")) == list("abcdefgh")
    assert gauge.most == 2


def test_delays_start_with_the_fifth_failure_and_stop_growing() -> None:
    assert [LoginDelays().delay_s(n) for n in (1, 4, 5, 6, 7, 12, 13, 10_000)] == [
        0, 0, 5, 10, 20, 640, 900, 900,
    ]  # fmt: skip


def test_count_ends_a_quarter_of_an_hour_after_the_last_failure() -> None:
    now = [1000.0]
    throttle = InProcessLoginThrottle(lambda: now[0])
    for _ in range(4):
        throttle.record_failure(["user:a"])
    now[0] += 901
    throttle.record_failure(["user:a"])
    throttle.require_open(["user:a"])
    for _ in range(4):
        throttle.record_failure(["user:a"])
    with pytest.raises(TooMany) as refused:
        throttle.require_open(["user:b", "user:a"])
    assert refused.value.retry_after_s == 5
    throttle.forget("user:a")
    throttle.require_open(["user:a"])


def test_flood_of_made_up_names_cannot_exhaust_memory() -> None:
    throttle = InProcessLoginThrottle(lambda: 0.0)
    throttle.record_failure([f"user:{n}" for n in range(KEYS_MAX + 10)])
    assert len(throttle._failures) == KEYS_MAX


def test_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.key"
    first = read_or_create_secret(path)
    assert weakness_of(first) is None
    assert read_or_create_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secret.key"]


def test_private_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "owner.token"
    write_private(path, "one", replace=True)
    write_private(path, "two", replace=True)
    assert path.read_text() == "two\n"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_private(path, "three", replace=False)


@pytest.mark.parametrize(
    "secret",
    [b"", b"short", b"x" * 64, b"changeme" * 8, b"change-me_change-me_change-me_123",
     b"your-secret-key-here-your-secret-key-here", b"SuperSecretKey-SuperSecretKey-2026"],
)  # fmt: skip
def test_weak_secrets_are_named(secret: bytes) -> None:
    assert weakness_of(secret) is not None


def test_keys_of_different_purposes_differ_and_the_ring_shows_nothing() -> None:
    ring = KeyRing(KEY)
    assert len({ring.key("a"), ring.key("b"), KEY}) == 3
    assert "x00" not in repr(ring)

"""Secrets leave no trace in a log record, whatever key or text they hide in."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.redaction import MASK, Redactor, is_sensitive

TOKEN = "blt_01a1febe722d71cfbb91db1f65935533_s3cr3tPartOfTheToken"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJlLXRleHQ"


@pytest.mark.parametrize(
    "key",
    ["authorization", "Password", "refresh_token", "api_key", "apiKey", "client_secret", "cookie",
     "private_key", "otp", "jwt", "passphrase", "credentials"],
)  # fmt: skip
def test_a_value_under_a_secret_name_is_masked_whole(key: str) -> None:
    masked = Redactor().value({"outer": [{key: {"deep": "value"}}, {key: 5}]})
    assert masked == {"outer": [{key: MASK}, {key: MASK}]}


@pytest.mark.parametrize(
    "key", ["token_id", "credential_id", "token_count", "secret_name", "secret_file", "qty", "key"]
)
def test_a_name_that_only_mentions_a_secret_is_not_masked(key: str) -> None:
    assert not is_sensitive(key)
    assert Redactor().member(key, "tok_1") == "tok_1"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"called with {TOKEN} twice", TOKEN),
        (f"jwt {JWT}.", JWT),
        ("header Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("postgresql+psycopg://ballast:hunter22@db:5432/x", "hunter22"),
        ("redis://:p%40ss@cache/0", "p%40ss"),
        ("https://x.test/?api_key=AKIA99&side=BUY", "AKIA99"),
        ('{"password": "open sesame"}', "open"),
        ("0x" + "ab" * 32, "ab" * 32),
        ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQ==\n-----END EC PRIVATE KEY-----", "MHcCAQ"),
    ],
)
def test_a_credential_inside_a_text_is_masked(text: str, secret: str) -> None:
    masked = Redactor().text(text)
    assert secret not in masked and MASK in masked


def test_a_remembered_secret_is_masked_anywhere() -> None:
    redactor = Redactor()
    redactor.remember("correct horse battery", "short")
    assert redactor.value({"note": "it was correct horse battery, short"}) == {
        "note": f"it was {MASK}, short"
    }


def test_ordinary_values_stay_as_they_are() -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    record = {"qty": Decimal("1.50"), "n": 7, "ok": True, "at": at, "none": None, "x": 0.5}
    assert Redactor().value(record) == {
        "qty": "1.5", "n": 7, "ok": True, "at": at.isoformat(), "none": None, "x": 0.5,
    }  # fmt: skip
    assert Redactor().text("BUY 4.5 AAPL at 151.25: see /docs#basic") == (
        "BUY 4.5 AAPL at 151.25: see /docs#basic"
    )


def test_hostile_values_become_plain_json() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    masked = Redactor().value({"big": 2**80, "bad": "\ud800", "loop": endless, "obj": object})
    assert masked["big"] == str(2**80)
    assert masked["bad"] == "?"
    assert "[too deep]" in str(masked["loop"])
    assert masked["obj"].startswith("<class")

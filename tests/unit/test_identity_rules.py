"""TOTP, password rules, token texts, addresses and the settings rule, without a store."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from application.context import Principal, Role, Scope
from application.identity.api_token import is_inside, parsed_networks
from application.identity.opaque_secrets import (
    PresentedApiToken,
    digest,
    matches,
    new_password,
    new_refresh_secret,
)
from application.identity.password_rules import normal_password, require_strong
from application.identity.proof import require_own_hand
from application.identity.totp import (
    code_at,
    derived_secret,
    enrolment_uri,
    matching_step,
    step_of,
)
from application.identity.user import normal_username
from application.settings.service_settings import ServiceSettings, loosened
from domain.shared.errors import AccessDenied, Invalid

RFC_SECRET = b"12345678901234567890"
AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unix_s", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_equal_the_vectors_of_rfc_6238(unix_s: int, code: str) -> None:
    assert code_at(RFC_SECRET, step_of(datetime.fromtimestamp(unix_s, UTC)), digits=8) == code


def test_code_matches_one_step_around_and_only_after_the_last_used() -> None:
    current = step_of(AT)
    for offset in (-2, -1, 0, 1, 2):
        code = code_at(RFC_SECRET, current + offset)
        expected = current + offset if abs(offset) <= 1 else None
        assert matching_step(RFC_SECRET, code, AT, 0) == expected
    used = code_at(RFC_SECRET, current)
    assert matching_step(RFC_SECRET, used, AT, current) is None
    assert matching_step(RFC_SECRET, used, AT, current - 1) == current


def test_non_ascii_code_is_wrong_and_not_an_error() -> None:
    assert matching_step(RFC_SECRET, "١٢٣٤٥٦", AT, 0) is None


def test_enrolment_secrets_differ_by_user_salt_and_key() -> None:
    secrets = {
        derived_secret(key, user, salt)
        for key in (b"k" * 32, b"l" * 32)
        for user in ("usr_1", "usr_2")
        for salt in ("a", "b")
    }
    assert len(secrets) == 8
    assert all(len(secret) == 20 for secret in secrets)


def test_enrolment_address_names_issuer_and_user() -> None:
    uri = enrolment_uri(RFC_SECRET, "a.b")
    assert uri.startswith("otpauth://totp/Ballast%3Aa.b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&")
    assert uri.endswith("&issuer=Ballast&digits=6&period=30")


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("elevenchars", "too_short"),
        ("x" * 129, "too_long"),
        ("aaaaaaaaaaaaaaa", "too_uniform"),
        ("qwertyuiopas", "too_common"),
        ("Password12345", "too_common"),
        ("ballast-ballast", "too_common"),
        ("magdalena2026!", "too_common"),
    ],
)
def test_weak_passwords_are_refused_by_name_of_the_rule(password: str, fault: str) -> None:
    with pytest.raises(Invalid) as refused:
        require_strong(password, "magdalena")
    assert refused.value.code == "weak_password"
    assert refused.value.errors[0].code == fault
    assert password not in refused.value.message


@pytest.mark.parametrize(
    "password", ["brass lantern", "kT7vQ2mNp9Rw", "пароль длинный", "x1!" * 4 + "yz"]
)
def test_long_passwords_need_no_special_characters(password: str) -> None:
    require_strong(password, "owner")


def test_generated_passwords_are_twenty_characters_strong_and_different() -> None:
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert len(password) == 20
        require_strong(password, "owner")


def test_one_password_typed_on_two_keyboards_is_one_password() -> None:
    assert normal_password("caf\u0065\u0301") == normal_password("caf\u00e9")


def test_api_token_text_goes_there_and_back() -> None:
    for _ in range(50):
        minted = PresentedApiToken.mint("tok_" + "0f" * 16)
        assert minted.text.startswith("blt_" + "0f" * 16 + "_")
        assert PresentedApiToken.parse(minted.text) == minted


@pytest.mark.parametrize(
    "text",
    ["", "blt", "blt_", "blt_x_y", "blt_" + "0" * 32, "blt_" + "0" * 32 + "_", "xyz_" + "0" * 32 + "_s",
     "blt_" + "G" * 32 + "_s", "blt_" + "0" * 31 + "_s", "blt_" + "0" * 32 + "_" + "s" * 300],
)  # fmt: skip
def test_other_texts_are_not_api_tokens(text: str) -> None:
    assert PresentedApiToken.parse(text) is None


def test_digest_matches_only_its_secret() -> None:
    secret = new_refresh_secret()
    assert matches(digest(secret), secret)
    assert not matches(digest(secret), secret + "x")
    assert secret not in digest(secret)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.0.0.1", False),
        ("2001:db8::7", True), ("2001:db9::7", False), (None, False), ("testclient", False),
    ],
)  # fmt: skip
def test_addresses_are_matched_in_both_families(address: str | None, inside: bool) -> None:
    networks = parsed_networks(["10.0.0.0/8", "2001:db8::/32"])
    assert is_inside(address, networks) is inside
    assert is_inside(address, ()) is True


def test_user_names_have_one_spelling() -> None:
    assert normal_username(" Ada.Lovelace ") == "ada.lovelace"
    for bad in ("a", "-a", "a b", "é" * 4, "x" * 33, "", "a\x00b"):
        assert normal_username(bad) is None


def test_script_tokens_do_not_act_for_their_user() -> None:
    script = Principal("u", "u", Role.ADMIN, frozenset({Scope.READ}), "token", "tok_1")
    with pytest.raises(AccessDenied):
        require_own_hand(script)
    require_own_hand(replace(script, scopes=frozenset(Scope)))
    require_own_hand(replace(script, via="session"))


def test_admin_scope_of_a_demoted_user_is_worth_nothing() -> None:
    demoted = Principal("u", "u", Role.VIEWER, frozenset(Scope), "token", "tok_1")
    with pytest.raises(AccessDenied):
        require_own_hand(demoted)


def test_only_letting_more_risk_through_is_loosening() -> None:
    before = ServiceSettings(default_leverage=5)
    after = before.changed(
        {"trading_enabled": True, "order_confirmation_required": False, "default_leverage": 6}, AT
    )
    assert loosened(before, after) == (
        "trading_enabled", "order_confirmation_required", "default_leverage",
    )  # fmt: skip
    assert loosened(after, before) == ()
    assert loosened(before, before.changed({"debug_mode": True}, AT)) == ()


def test_settings_faults_name_every_key() -> None:
    with pytest.raises(Invalid) as refused:
        ServiceSettings().changed({"nope": 1, "default_leverage": "2", "debug_mode": 1}, AT)
    assert {fault.pointer for fault in refused.value.errors} == {
        "/nope", "/default_leverage", "/debug_mode",
    }  # fmt: skip

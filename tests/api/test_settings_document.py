"""The settings document: versions, merge patch, who may loosen, and what is logged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.identity import IdentityService, identity_service
from tests.support.portfolio import refusal

DEFAULTS = {
    "trading_enabled": False,
    "order_confirmation_required": True,
    "default_exchange": "paper",
    "default_timeframe": "1h",
    "default_leverage": 1,
    "telegram_enabled": False,
    "debug_mode": False,
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[IdentityService]:
    with identity_service(tmp_path) as running:
        yield running


@pytest.fixture
def owner(service: IdentityService) -> str:
    return service.first.api_token


def test_defaults_are_served_before_anything_was_stored(
    service: IdentityService, owner: str
) -> None:
    answer = service.call("GET", "/settings", owner)
    assert answer.json() == DEFAULTS | {"version": 1, "updated_at": None}
    assert answer.headers["ETag"] == '"1"'
    unchanged = service.call("GET", "/settings", owner, If_None_Match='"1"')
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_changes_need_the_version_that_was_read(service: IdentityService, owner: str) -> None:
    change = {"default_timeframe": "15m"}
    missing = service.call("PATCH", "/settings", owner, change)
    assert refusal(missing) == (428, "precondition_required")
    stale = service.call("PATCH", "/settings", owner, change, If_Match='"7"')
    assert refusal(stale) == (412, "stale_version")
    assert stale.json()["context"] == {"version": 1}
    done = service.call("PATCH", "/settings", owner, change, If_Match='"1"')
    assert done.json()["default_timeframe"] == "15m"
    assert done.headers["ETag"] == '"2"'
    assert service.call("GET", "/settings", owner).json() == done.json()


def test_patch_merges_and_null_restores_the_default(service: IdentityService, owner: str) -> None:
    service.call(
        "PATCH", "/settings", owner,
        {"default_leverage": 3, "default_exchange": "binance"}, If_Match='"1"',
    )  # fmt: skip
    merged = service.call("PATCH", "/settings", owner, {"default_leverage": None}, If_Match='"2"')
    assert merged.json()["default_leverage"] == 1
    assert merged.json()["default_exchange"] == "binance"


def test_put_replaces_and_takes_the_document_that_was_read(
    service: IdentityService, owner: str
) -> None:
    document = service.call("GET", "/settings", owner).json() | {"telegram_enabled": True}
    put = service.call("PUT", "/settings", owner, document, If_Match='"1"')
    assert put.json()["telegram_enabled"] is True
    bare = service.call("PUT", "/settings", owner, {"debug_mode": True}, If_Match='"2"')
    assert bare.json()["telegram_enabled"] is False


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"default_leverage": 0}, "invalid_settings"),
        ({"default_leverage": 126}, "invalid_settings"),
        ({"default_timeframe": "7m"}, "invalid_settings"),
        ({"default_exchange": "nyse"}, "invalid_settings"),
        ({"default_leverage": 1.5}, "invalid_request"),
        ({"trading_enabled": "yes"}, "invalid_request"),
        ({"trading_enabled": 1}, "invalid_request"),
        ({"api_secret": "x"}, "invalid_request"),
    ],
)
def test_bad_values_are_refused_and_nothing_is_stored(
    service: IdentityService, owner: str, change: dict[str, object], code: str
) -> None:
    refused = service.call("PATCH", "/settings", owner, change, If_Match='"1"')
    assert refusal(refused) == (422, code)
    assert refused.json()["errors"][0]["pointer"] == f"/{next(iter(change))}"
    assert service.call("GET", "/settings", owner).json()["version"] == 1


def test_change_that_changes_nothing_keeps_the_version(
    service: IdentityService, owner: str
) -> None:
    same = service.call("PATCH", "/settings", owner, {"default_leverage": 1}, If_Match='"1"')
    assert same.json()["version"] == 1
    assert service.events("settings_changed") == []


@pytest.mark.parametrize(
    "loosening",
    [{"trading_enabled": True}, {"order_confirmation_required": False}, {"default_leverage": 2}],
)
def test_traders_tighten_and_risk_managers_loosen(
    service: IdentityService, loosening: dict[str, object]
) -> None:
    trader, manager = service.user("tom", "trader"), service.user("rita", "risk_manager")
    refused = service.call("PATCH", "/settings", trader, loosening, If_Match='"1"')
    assert refusal(refused) == (403, "access_denied")
    assert refused.json()["context"] == {"needed": "risk", "keys": list(loosening)}
    assert service.call("PATCH", "/settings", manager, loosening, If_Match='"1"').status_code == 200
    tightened = dict.fromkeys(loosening)
    assert service.call("PATCH", "/settings", trader, tightened, If_Match='"2"').status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "tag"),
    [
        ("PATCH", "/settings", {"trading_enabled": True}, '"1"'),
        ("PUT", "/settings", {"default_leverage": 3}, '"1"'),
        ("POST", "/settings/trading/toggle", {"enabled": True}, None),
        ("POST", "/settings/order-confirmation/toggle", {"enabled": False}, None),
        (
            "POST", "/settings/import",
            {"format": "ballast-settings", "format_version": 1,
             "settings": {"order_confirmation_required": False}}, '"1"',
        ),
    ],
)  # fmt: skip
def test_loosening_asks_for_a_login_of_the_last_five_minutes(
    service: IdentityService, method: str, path: str, body: dict[str, object], tag: str | None
) -> None:
    manager = service.user("rita", "risk_manager")
    headers = {} if tag is None else {"If_Match": tag}
    service.clock.pass_time(minutes=5, seconds=1)
    refused = service.call(method, path, manager, body, **headers)
    assert refusal(refused) == (403, "reauthentication_required")
    assert service.call("GET", "/settings", manager).json()["version"] == 1
    proof = {"password": "winter harbour bells"}
    assert service.call("POST", "/auth/reauthenticate", manager, proof).status_code == 204
    assert service.call(method, path, manager, body, **headers).status_code == 200
    assert service.call("GET", "/settings", manager).json()["version"] == 2


def test_tightening_asks_for_nothing(service: IdentityService, owner: str) -> None:
    service.call("POST", "/settings/trading/toggle", owner, {"enabled": True})
    trader = service.user("tom", "trader")
    service.clock.pass_time(minutes=20)
    off = service.call("POST", "/settings/trading/toggle", trader, {"enabled": False})
    assert off.json()["trading_enabled"] is False


def test_a_token_loosens_with_the_scope_risk_only(service: IdentityService) -> None:
    change = {"trading_enabled": True}
    script, risk = service.token("read", "trade"), service.token("read", "trade", "risk")
    service.clock.pass_time(hours=2)
    refused = service.call("PATCH", "/settings", script, change, If_Match='"1"')
    assert refusal(refused) == (403, "access_denied")
    assert service.call("PATCH", "/settings", risk, change, If_Match='"1"').status_code == 200


def test_the_manual_says_who_reads_each_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "settings-document.md").read_text()
    assert [key for key in DEFAULTS if f"| `{key}` |" not in page] == []


def test_toggles_set_and_do_not_flip(service: IdentityService, owner: str) -> None:
    for _ in range(2):
        answer = service.call("POST", "/settings/trading/toggle", owner, {"enabled": True})
        assert answer.json()["trading_enabled"] is True
    assert service.call("GET", "/settings", owner).json()["version"] == 2
    path = "/settings/order-confirmation/toggle"
    answer = service.call("POST", path, owner, {"enabled": False})
    assert answer.json()["order_confirmation_required"] is False


def test_toggle_obeys_the_same_rule_as_patch(service: IdentityService, owner: str) -> None:
    trader = service.user("tom", "trader")
    path = "/settings/trading/toggle"
    assert refusal(service.call("POST", path, trader, {"enabled": True})) == (403, "access_denied")
    service.call("POST", path, owner, {"enabled": True})
    assert service.call("POST", path, trader, {"enabled": False}).status_code == 200


def test_switching_trading_is_logged_with_its_actor(service: IdentityService) -> None:
    manager = service.user("rita", "risk_manager")
    service.call("POST", "/settings/trading/toggle", manager, {"enabled": True})
    changed, switched = service.events("settings_changed", "trading_enabled_changed")
    assert changed.data["inputs"] == {"trading_enabled": False}
    assert changed.data["outputs"] == {
        "trading_enabled": True, "version": 2, "loosened": ["trading_enabled"],
    }  # fmt: skip
    assert switched.type == "trading_enabled_changed"
    assert switched.actor == changed.actor != service.first.owner_id


def test_keyed_toggle_is_replayed(service: IdentityService, owner: str) -> None:
    path = "/settings/trading/toggle"
    service.call("POST", path, owner, {"enabled": True}, Idempotency_Key="on")
    service.call("POST", path, owner, {"enabled": False})
    again = service.call("POST", path, owner, {"enabled": True}, Idempotency_Key="on")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert service.call("GET", "/settings", owner).json()["trading_enabled"] is False


def test_status_is_simulation_while_a_condition_is_missing(
    service: IdentityService, owner: str
) -> None:
    service.call("POST", "/settings/trading/toggle", owner, {"enabled": True})
    status = service.call("GET", "/settings/trading/status", owner).json()
    assert status["effective_mode"] == "simulation"
    assert {c["code"]: c["ok"] for c in status["conditions"]} == {
        "trading_enabled": True,
        "adapter": False,
    }


def test_export_imports_elsewhere(service: IdentityService, owner: str, tmp_path: Path) -> None:
    service.call("PATCH", "/settings", owner, {"default_timeframe": "4h"}, If_Match='"1"')
    exported = service.call("GET", "/settings/export", owner).json()
    assert exported["settings"] == DEFAULTS | {"default_timeframe": "4h"}
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    with identity_service(other_folder) as other:
        token = other.first.api_token
        blind = other.call("POST", "/settings/import", token, exported)
        assert refusal(blind) == (428, "precondition_required")
        done = other.call("POST", "/settings/import", token, exported, If_Match='"1"')
        assert done.json()["default_timeframe"] == "4h"
        stale = other.call("POST", "/settings/import", token, exported, If_Match='"1"')
        assert refusal(stale) == (412, "stale_version")
        foreign = exported | {"format": "something"}
        refused = other.call("POST", "/settings/import", token, foreign, If_Match='"2"')
        assert refusal(refused) == (422, "invalid_request")


def test_reset_restores_defaults(service: IdentityService, owner: str) -> None:
    service.call("PATCH", "/settings", owner, {"default_timeframe": "4h"}, If_Match='"1"')
    blind = service.call("POST", "/settings/reset", owner)
    assert refusal(blind) == (428, "precondition_required")
    stale = service.call("POST", "/settings/reset", owner, If_Match='"1"')
    assert refusal(stale) == (412, "stale_version")
    done = service.call("POST", "/settings/reset", owner, If_Match='"2"')
    assert done.json()["default_timeframe"] == "1h"
    assert done.json()["version"] == 3


def test_guards_read_what_was_stored(service: IdentityService, owner: str) -> None:
    from application.context import RequestContext

    service.call("POST", "/settings/trading/toggle", owner, {"enabled": True})
    context = RequestContext(service.first.owner_id, "guard", "req_guard")
    assert service.store.query(lambda work: work.settings.read().trading_enabled, context) is True
    stranger = RequestContext("usr_other", "guard", "req_guard")
    assert service.store.query(lambda work: work.settings.read().trading_enabled, stranger) is False

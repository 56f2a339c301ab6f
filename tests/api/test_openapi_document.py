"""The published document: every operation complete, every example valid, no difference unnoticed."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest

from app.main import create_app
from app.openapi_document import codes_of, operations
from app.reference_docs import OPENAPI_FILE, openapi_text
from app.settings import Settings

SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
JSON = "application/json"
DOCUMENT: dict[str, Any] = create_app(Settings(session_tables=False)).openapi()
ALL = [pytest.param(path, op, id=op["operationId"]) for path, _, op in operations(DOCUMENT)]
BYTES_MAX = 600_000
UNKEYED = {
    "log_in": "no caller yet whose key it could be, and the answer is a secret",
    "refresh_session": "the refresh token is itself good for one use",
    "log_out": "the credential that would ask again has ended",
    "reauthenticate": "presence is proved now; a stored proof would prove nothing",
    "enrol_totp": "the answer is a secret, and asking again replaces it",
    "confirm_totp": "a code is good for one use",
    "disable_totp": "both factors are proved now",
    "classify_regime": "computes and stores nothing",
}


def _bodies(operation: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Where, content type and media of the request and of every answer that is no refusal."""
    found = [("request", operation.get("requestBody", {}))]
    found += [(status, a) for status, a in operation["responses"].items() if status[0] == "2"]
    return [
        (where, kind, media)
        for where, body in found
        for kind, media in body.get("content", {}).items()
    ]


def _examples(media: dict[str, Any]) -> list[Any]:
    if "example" in media:
        return [media["example"]]
    return [example["value"] for example in media.get("examples", {}).values()]


def test_the_committed_document_is_the_one_that_is_served() -> None:
    assert OPENAPI_FILE.read_text(encoding="utf-8") == openapi_text(), (
        "The HTTP contract changed. If that is meant: python -m app.reference_docs"
    )


def test_operation_ids_are_unique_snake_case() -> None:
    names = [operation["operationId"] for _, _, operation in operations(DOCUMENT)]
    assert len(names) == len(set(names))
    assert [name for name in names if not SNAKE.fullmatch(name)] == []


def test_no_schema_name_shows_where_its_class_lives() -> None:
    """Two models of one name are published under their module's path, which then is the contract."""
    assert [name for name in DOCUMENT["components"]["schemas"] if "__" in name] == []


@pytest.mark.parametrize(("path", "operation"), ALL)
def test_an_operation_has_tag_summary_and_described_answers(
    path: str, operation: dict[str, Any]
) -> None:
    assert operation["tags"] and operation["summary"]
    assert not operation["summary"].endswith(".")
    assert len(operation["summary"]) <= 90
    assert any(status[0] == "2" for status in operation["responses"])


@pytest.mark.parametrize(("path", "operation"), ALL)
def test_every_body_is_typed_and_has_a_valid_example(path: str, operation: dict[str, Any]) -> None:
    for where, kind, media in _bodies(operation):
        assert media.get("schema"), (where, kind)
        assert _examples(media), (where, kind)
        if kind == JSON:
            schema = {**media["schema"], "components": DOCUMENT["components"]}
            validator = jsonschema_rs.validator_for(schema)
            for example in _examples(media):
                assert [
                    f"{e.instance_path}: {e.message}" for e in validator.iter_errors(example)
                ] == []


# A day that is no session is a malformed request, not a row that is missing.
PUTS_THAT_CREATE = {"put_market_state"}


@pytest.mark.parametrize(("path", "operation"), ALL)
def test_refusals_that_every_route_can_give_are_declared(
    path: str, operation: dict[str, Any]
) -> None:
    answers = operation["responses"]
    declared = {code for answer in answers.values() for code in codes_of(answer, DOCUMENT)}
    assert {"misdirected_request", "internal_error"} <= declared
    if operation.get("security"):
        assert {"not_authenticated", "access_denied", "rate_limited"} <= declared
    if "{" in path and operation["operationId"] not in PUTS_THAT_CREATE:
        assert "404" in answers, "what a path names can be unknown"
    names = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
    if "idempotency-key" in names:
        assert {"idempotency_signature_mismatch", "request_in_progress"} <= declared
        assert "200" in answers or "204" in answers, "a replay answers 200"


def test_every_reference_points_at_something() -> None:
    text = json.dumps(DOCUMENT)
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', text)):
        place: Any = DOCUMENT
        for step in reference.split("/"):
            place = place[step]


def test_the_document_stays_small_enough_to_load_in_a_browser_at_once() -> None:
    assert len(json.dumps(DOCUMENT, separators=(",", ":"))) < BYTES_MAX


def test_every_post_takes_an_idempotency_key_or_is_named_with_its_reason() -> None:
    unkeyed = {
        operation["operationId"]
        for _, method, operation in operations(DOCUMENT)
        if method.lower() == "post"
        and not any(p["name"].lower() == "idempotency-key" for p in operation.get("parameters", []))
    }
    assert unkeyed == set(UNKEYED)

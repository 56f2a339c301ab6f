"""Statuses of refusals on the desktop's paths."""

import pytest

from app.api.compat.problems import compat_refusals, compat_status
from app.api.problems import PROBLEM_JSON


@pytest.mark.parametrize(
    ("status", "code", "shown"),
    [
        (422, "invalid_request", 400), (422, "risk_rejected", 400), (409, "position_exists", 400),
        (423, "account_halted", 400), (400, "malformed_json", 400), (401, "not_authenticated", 401),
        (403, "access_denied", 403), (404, "position_not_found", 404),
        (409, "pinned_by_environment", 409), (412, "stale_version", 412),
        (409, "idempotency_signature_mismatch", 409), (428, "precondition_required", 428),
        (429, "rate_limited", 429), (503, "queue_full", 503),
    ],
)  # fmt: skip
def test_faults_of_schema_and_business_are_400(status: int, code: str, shown: int) -> None:
    assert compat_status(status, code) == shown


def test_declared_refusals_stand_where_they_are_answered() -> None:
    declared = compat_refusals("409 position_exists", "409 pinned_by_environment", "404 no_such")
    codes = {status: list(a["content"][PROBLEM_JSON]["examples"]) for status, a in declared.items()}
    assert 422 not in codes
    assert {"invalid_request", "position_exists", "malformed_json"} <= set(codes[400])
    assert codes[409] == ["pinned_by_environment"] and codes[404] == ["no_such"]

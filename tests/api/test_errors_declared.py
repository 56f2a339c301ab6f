"""Every code the source can raise is declared where it can occur and stands in the reference."""

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from app.api.problems import FRAMEWORK_CODES
from app.docs_assets import declared_codes
from app.main import create_app
from app.reference_docs import FOLDER
from app.settings import Settings
from app.source_scan import ROOT, FoundCode, error_codes

SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
DECLARED = declared_codes(create_app(Settings(session_tables=False)).openapi())

# What no operation of the document can answer, and why.
ELSEWHERE = {
    "route_not_found": "the answer of paths that are no operation",
    "method_not_allowed": "the answer of methods that are no operation",
    "preflight_refused": "the answer of refused preflights, which are no operation",
    "invalid_seed": "no submitted kind takes a seed from its caller yet",
    "not_a_trading_day": "asked for days that come from the calendar itself",
    "no_owner": "a store without its first start; the service makes the owner before it answers",
}
# Raised by the command line, by start-up, inside jobs (a job's own error) and by loops only.
OUTSIDE_HTTP = re.compile(
    r"^(app\.(cli|config_file|configuration_start|server|lifecycle|demo|demo_steps)"
    r"|application\.risk\.configuration_sources"
    r"|infrastructure\.persistence\.(backup|backup_postgresql|engine|migrate|placement)"
    r"|infrastructure\.market_data\.(load_bundled|bundled|parquet_store|parquet_files)"
    r"|infrastructure\.compute\.(dask_cluster|local_pool)"
    r"|infrastructure\.messaging\.redis_lease)$"
)
DEFECT = 500
# One word for one cause, seen from two sides: asked for in a path or query, or named in a body.
# A session is a trading day in market data and a login in identity.
TWO_STATUSES = {
    "unknown_instrument": {404, 422},
    "unknown_series": {404, 422},
    "calendar_range": {422, 503},
    "not_a_session": {409, 422},
}
RAISED_BY_NAME = {"invalid_qty", "risk_rejected"}
"""Codes that are chosen in an expression or made without a fault."""


def _raised() -> Iterator[FoundCode]:
    for found in error_codes():
        if found.status != DEFECT and not OUTSIDE_HTTP.match(found.module):
            yield found


def test_codes_are_snake_case() -> None:
    assert sorted({c.code for c in error_codes() if not SNAKE.fullmatch(c.code)}) == []


def test_every_code_that_can_reach_a_caller_is_declared_on_some_route() -> None:
    missing = {(c.code, c.module) for c in _raised() if c.code not in {**DECLARED, **ELSEWHERE}}
    assert sorted(missing) == []


@pytest.mark.parametrize("status", sorted(FRAMEWORK_CODES))
def test_codes_of_the_framework_are_declared_too(status: int) -> None:
    code = FRAMEWORK_CODES[status]
    assert code in ELSEWHERE or DECLARED[code][0] == status


def test_a_code_has_one_status_wherever_it_is_raised() -> None:
    stated: dict[str, set[int]] = defaultdict(set)
    for found in _raised():
        if found.status:
            stated[found.code].add(found.status)
    assert {code: s for code, s in stated.items() if len(s) > 1} == TWO_STATUSES


def test_no_route_declares_a_code_that_nothing_raises() -> None:
    raised = {c.code for c in error_codes()} | set(FRAMEWORK_CODES.values()) | {"internal_error"}
    source = "".join(
        file.read_text("utf-8")
        for package in ("app", "application", "domain")
        for file in (ROOT / package).rglob("*.py")
        if "routes" not in file.name and file.parent.parent.name != "api"
    )
    unsaid = set(DECLARED) - raised - RAISED_BY_NAME
    assert sorted(code for code in unsaid if f'"{code}"' not in source) == []


def test_the_reference_page_lists_every_code() -> None:
    page = (FOLDER / "errors.md").read_text("utf-8")
    listed = set(re.findall(r'<a id="([a-z0-9_]+)"></a>', page))
    assert sorted({c.code for c in error_codes()} - listed) == []
    assert sorted(set(DECLARED) - listed) == []

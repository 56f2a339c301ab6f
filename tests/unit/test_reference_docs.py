"""Reference pages are made from the source and from what routes declare."""

from pathlib import Path

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app import reference_docs
from app.reference_docs import configuration_page, errors_page, events_page, settings_page
from app.source_scan import error_codes, event_types
from domain.risk.desktop_keys import KEYS

SOURCE = """
TABLE = {1: "job_started", 2: "job_ended"}

def position_event(kind, position): return NewEvent(kind, "position")
def record(work, kind, message): return NewEvent(type=kind)
def note(work, job, message, *, event_type=None):
    return NewEvent(type=event_type or TABLE[job.state])

def use(order, job):
    if order: raise NotFound("order_not_found", f"No order {order}.")
    if job: raise Conflict("overfill", "Too much.")
    raise CodedHttpError(415, "unsupported_media_type", "Send JSON.")

def happen(ended):
    position_event("order_filled" if ended else "order_partially_filled", 1)
    kind = "order_cancelled" if ended else "order_expired"
    record(1, kind, "A sentence that is no type.")
    note(1, 2, "Another sentence.", event_type="job_requeued")

def evaluate(notes):
    kinds = ["price_evaluated"]
    kinds.append("threshold_crossed")
    kinds.extend(NOTES[note] for note in notes)
    return [position_event(kind, 1) for kind in kinds]

NOTES = {1: "alert_raised"}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for package in ("domain", "application", "infrastructure", "app"):
        (tmp_path / package).mkdir()
    (tmp_path / "application" / "scene.py").write_text(SOURCE)
    return tmp_path


def test_codes_are_found_with_status_and_message(root: Path) -> None:
    found = [(c.code, c.status, c.message) for c in error_codes(root)]
    assert found == [
        ("order_not_found", 404, "No order …."),
        ("overfill", 409, "Too much."),
        ("unsupported_media_type", 415, "Send JSON."),
    ]


def test_event_types_are_found_through_functions_tables_and_choices(root: Path) -> None:
    assert {event.type for event in event_types(root)} == {
        "order_filled", "order_partially_filled", "order_cancelled", "order_expired",
        "job_requeued", "job_started", "job_ended", "price_evaluated", "threshold_crossed",
        "alert_raised",
    }  # fmt: skip


def test_the_errors_page_joins_source_and_declarations(root: Path) -> None:
    declared = {
        "paths": {"/x": {"post": {"operationId": "do_x", "responses": {
            "409": {"content": {"application/problem+json": {"examples": {"overfill": {}}}}},
        }}}}
    }  # fmt: skip
    page = errors_page(error_codes(root), declared)
    assert '| <a id="overfill"></a>`overfill` | 409 | Too much. | `do_x` |' in page
    assert '| <a id="order_not_found"></a>`order_not_found` | 404 | No order …. | – |' in page


def test_the_settings_page_shows_variable_default_and_meaning() -> None:
    class Knobs(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="BALLAST_")
        port: int = Field(8000, description="Port to bind | listen.")
        secret: str | None = None

    page = settings_page(Knobs)
    assert "| `port` | `BALLAST_PORT` | `8000` | Port to bind \\| listen. |" in page
    assert "| `secret` | `BALLAST_SECRET` | – |  |" in page


def test_the_real_sources_are_read() -> None:
    codes = {found.code for found in error_codes()}
    assert {"position_not_found", "insufficient_cash", "schema_newer"} <= codes
    events = {found.type for found in event_types()}
    assert {"position_created", "order_submitted", "order_partially_filled"} <= events
    assert all(kind.replace("_", "").isalnum() and kind.islower() for kind in events)


def test_the_events_page_lists_exactly_what_is_appended_and_by_whom() -> None:
    found = event_types()
    page = events_page(found)
    assert page.count("\n| `") == len({event.type for event in found})
    evaluates = "application.portfolio.evaluate_position"
    for kind in ("price_evaluated", "threshold_crossed", "order_trimmed_guardrail",
                 "auto_guardrail_rebalance", "order_rejected_min"):  # fmt: skip
        assert f"`{evaluates}`" in next(r for r in page.split("\n") if r.startswith(f"| `{kind}`"))


def test_the_configuration_page_shows_every_key_as_it_is_published() -> None:
    page = configuration_page()
    assert page.count("\n| `") == len(KEYS)
    assert (
        "| `risk_limits.min_stop_distance` | percent of entry | `2` "
        "| above 0 and at most 50 percent of entry | smaller | `min_stop_distance` "
        "| `BALLAST_CONFIG__RISK_LIMITS__MIN_STOP_DISTANCE` |"
    ) in page
    assert (
        "| `exits.time_exit_sessions` | sessions | `null` | from 1 to 1000 sessions, or null"
        in page
    )
    committed = (reference_docs.FOLDER / "configuration.md").read_text(encoding="utf-8")
    assert committed == page, "python -m app.reference_docs"


def test_checking_fails_on_a_stale_page_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference_docs, "FOLDER", tmp_path / "reference")
    monkeypatch.setattr(reference_docs, "OPENAPI_FILE", tmp_path / "openapi.json")
    monkeypatch.setattr(reference_docs, "pages", lambda: {"a.md": "# A\n", "b.md": "# B\n"})
    assert reference_docs.main(["--check"]) == 1
    assert reference_docs.main([]) == 0
    assert reference_docs.main(["--check"]) == 0
    (tmp_path / "reference" / "b.md").write_text("# old\n")
    capsys.readouterr()
    assert reference_docs.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "b.md is stale" in said and "a.md" not in said

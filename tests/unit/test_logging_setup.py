"""Every log record takes one path: facts added, secrets masked, kept in the ring, one JSON line."""

import io
import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from app.logging import CURRENT_REQUEST, LogRing, Logs, configure_logging
from app.redaction import MASK
from application.context import Principal, Role, Scope


@pytest.fixture
def out() -> Iterator[io.BytesIO]:
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    yield io.BytesIO()
    structlog.reset_defaults()
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)


@pytest.fixture
def logs(out: io.BytesIO) -> Logs:
    return configure_logging("info", "json", out)


def _lines(out: io.BytesIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in out.getvalue().splitlines()]


def test_a_record_is_one_json_line_with_its_fields(out: io.BytesIO, logs: Logs) -> None:
    structlog.get_logger("ballast.book").warning("fill_late", order_id="ord_1", seconds=3)
    (line,) = _lines(out)
    assert line.pop("timestamp").endswith("Z")  # type: ignore[attr-defined]
    assert line == {
        "event": "fill_late", "level": "warning", "logger": "ballast.book", "order_id": "ord_1",
        "seconds": 3,
    }  # fmt: skip


def test_records_below_the_threshold_are_dropped(out: io.BytesIO) -> None:
    logs = configure_logging("warning", "json", out)
    structlog.get_logger().info("quiet")
    logging.getLogger("library").info("quiet too")
    assert _lines(out) == []
    assert not logs.takes_access_lines


def test_records_of_a_request_carry_its_facts(out: io.BytesIO, logs: Logs) -> None:
    principal = Principal("usr_1", "usr_1", Role.TRADER, frozenset(Scope), "token")
    scope = {
        "ballast_request_id": "req_1", "ballast_correlation_id": "mine", "method": "GET",
        "ballast_principal": principal,
    }  # fmt: skip
    token = CURRENT_REQUEST.set(scope)
    structlog.get_logger("x").info("inside")
    CURRENT_REQUEST.reset(token)
    structlog.get_logger("x").info("outside")
    inside, outside = _lines(out)
    assert (inside["request_id"], inside["correlation_id"]) == ("req_1", "mine")
    assert (inside["method"], inside["principal"]) == ("GET", "usr_1")
    assert "request_id" not in outside


def test_the_standard_library_takes_the_same_path(out: io.BytesIO, logs: Logs) -> None:
    logging.getLogger("uvicorn.error").error("token=%s", "blt_abc_def")
    logging.getLogger("httpx").info("GET https://x/?token=abc")
    (line,) = _lines(out)
    assert line["logger"] == "uvicorn.error" and line["level"] == "error"
    assert "blt_abc_def" not in str(line) and MASK in str(line["event"])


def _fail_to_connect() -> None:
    raise RuntimeError("cannot reach postgresql://me:hunter22@db/x")


def test_a_traceback_is_kept_and_its_secrets_are_not(out: io.BytesIO, logs: Logs) -> None:
    try:
        _fail_to_connect()
    except RuntimeError:
        structlog.get_logger().exception("broken", password="hunter22")
    (line,) = _lines(out)
    assert "RuntimeError" in str(line["exception"]) and "test_logging_setup" in str(line)
    assert "hunter22" not in out.getvalue().decode()
    assert line["password"] == MASK


def test_the_ring_keeps_the_newest_records_masked(out: io.BytesIO, logs: Logs) -> None:
    log = structlog.get_logger()
    for number in range(3):
        log.info("tick", number=number, secret="abc")
    log.error("boom")
    assert [r.get("number") for r in logs.ring.newest(10)] == [None, 2, 1, 0]
    assert [r["event"] for r in logs.ring.newest(10, level="error")] == ["boom"]
    assert logs.ring.newest(2)[1]["secret"] == MASK


def test_the_ring_is_bounded() -> None:
    ring = LogRing(lines_max=5)
    for number in range(50):
        ring.add(b'{"n":%d}' % number)
    assert [record["n"] for record in ring.newest(100)] == [49, 48, 47, 46, 45]


def test_a_terminal_gets_readable_lines_and_the_ring_still_gets_records(out: io.BytesIO) -> None:
    logs = configure_logging("info", "console", out)
    structlog.get_logger("ballast").info("hello", token="blt_abc_def")
    logs.access({"event": "request", "method": "GET", "status": 200})
    text = out.getvalue().decode()
    assert "hello" in text and "blt_abc_def" not in text and "{" not in text.splitlines()[0]
    assert [record["event"] for record in logs.ring.newest(5)] == ["request", "hello"]


def test_hostile_text_does_not_break_a_line(out: io.BytesIO, logs: Logs) -> None:
    structlog.get_logger().info("bad \ud800 text\nwith a break", n=2**90, x=float("nan"))
    assert len(_lines(out)) == 1

"""Structured logs: JSON lines, or readable lines on a terminal; secrets are masked in both.

Every record, those of the standard library and uvicorn included, takes one path: request facts are
added, secrets are masked, the record goes into a bounded ring in memory and to standard error.
"""

import logging as stdlib_logging
import sys
import threading
from collections import deque
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from app.redaction import Redactor

RING_LINES_MAX = 2000

CURRENT_REQUEST: ContextVar[Mapping[str, Any] | None] = ContextVar("current_request", default=None)
"""ASGI scope of the request being handled; read only when something is logged."""

_QUIET = ("uvicorn.access", "alembic", "httpx", "httpcore", "asyncio", "watchfiles", "numba")
_METHOD_OF_LEVEL = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}


class LineSink(Protocol):
    """Where finished lines go."""

    def write(self, line: bytes, /) -> int: ...
    def flush(self) -> None: ...
    def isatty(self) -> bool: ...


class LogRing:
    """The newest lines, already masked. Appending is atomic, so no lock is needed."""

    def __init__(self, lines_max: int = RING_LINES_MAX) -> None:
        self._lines: deque[bytes] = deque(maxlen=lines_max)

    def add(self, line: bytes) -> None:
        """Keep a line, dropping the oldest at the bound."""
        self._lines.append(line)

    def newest(self, limit: int, *, level: str | None = None) -> list[dict[str, Any]]:
        """Records, newest first; with `level` only those of that level."""
        found: list[dict[str, Any]] = []
        for line in reversed(list(self._lines)):
            record: dict[str, Any] = orjson.loads(line)
            if level is None or record.get("level") == level:
                found.append(record)
            if len(found) >= limit:
                break
        return found


@dataclass(frozen=True, slots=True)
class Logs:
    """What the rest of the service needs from the log set-up."""

    ring: LogRing
    redactor: Redactor
    level: int
    is_console: bool
    out: LineSink

    @property
    def takes_access_lines(self) -> bool:
        """False when the threshold is above info."""
        return self.level <= stdlib_logging.INFO

    def access(self, record: dict[str, Any]) -> None:
        """One line per request, past structlog: the service made its values, so none is masked."""
        if self.is_console:
            structlog.get_logger("ballast.access").info(**record)
            return
        line = orjson.dumps(record)
        self.ring.add(line)
        _write(self.out, line)


def configure_logging(
    level: str = "info", log_format: str = "auto", out: LineSink | None = None
) -> Logs:
    """Send structlog, the standard library and uvicorn down one path; call it once at start-up.

    `log_format` is `json`, `console` or `auto` (console on a terminal). Calling it again replaces
    the set-up, so tests can.
    """
    threshold = stdlib_logging.getLevelNamesMapping()[level.upper()]
    out = out or _StandardError()
    is_console = log_format == "console" or (log_format == "auto" and out.isatty())
    logs = Logs(LogRing(), Redactor(), threshold, is_console, out)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            add_request_facts,
            structlog.processors.add_log_level,
            _add_logger_name,
            _add_timestamp,
            structlog.processors.format_exc_info,
            _Mask(logs.redactor),
            _Render(logs),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *names: _Line(names[0] if names else "ballast", out),
        cache_logger_on_first_use=False,
    )
    root = stdlib_logging.getLogger()
    root.handlers = [_ToStructlog()]
    root.setLevel(threshold)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic"):
        logger = stdlib_logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in _QUIET:
        stdlib_logging.getLogger(name).setLevel(stdlib_logging.WARNING)
    return logs


def add_request_facts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Facts of the request this record belongs to, if it belongs to one."""
    scope = CURRENT_REQUEST.get()
    if scope is not None:
        event.setdefault("request_id", scope.get("ballast_request_id"))
        event.setdefault("correlation_id", scope.get("ballast_correlation_id"))
        event.setdefault("method", scope.get("method"))
        principal = scope.get("ballast_principal")
        if principal is not None:
            event.setdefault("principal", principal.user_id)
    return event


class _Line:
    """Logger at the end of the chain: writes what the renderer made."""

    def __init__(self, name: str, out: LineSink) -> None:
        self.name = name
        self._out = out

    def msg(self, line: bytes) -> None:
        _write(self._out, line)

    debug = info = warning = error = critical = exception = fatal = log = msg


class _StandardError:
    """Standard error as it is at each write: a test or a daemon may have replaced it."""

    def write(self, line: bytes) -> int:
        return sys.stderr.buffer.write(line)

    def flush(self) -> None:
        sys.stderr.buffer.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


_WRITING = threading.Lock()


def _write(out: LineSink, line: bytes) -> None:
    with _WRITING:
        out.write(line + b"\n")
        out.flush()


def _add_logger_name(logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.setdefault("logger", getattr(logger, "name", "ballast"))
    return event


def _add_timestamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["timestamp"] = timestamp()
    return event


def timestamp() -> str:
    """Now, RFC 3339 with microseconds and Z."""
    return datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


class _Mask:
    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: self._redactor.member(key, value) for key, value in event.items()}


class _Render:
    """JSON for the ring always, and for the output unless it is a terminal."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._console = structlog.dev.ConsoleRenderer() if logs.is_console else None

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> bytes:
        line = orjson.dumps(event)
        self._logs.ring.add(line)
        if self._console is None:
            return line
        return str(self._console(logger, method, event)).encode(errors="replace")


class _ToStructlog(stdlib_logging.Handler):
    """Hands records of the standard library to structlog."""

    def emit(self, record: stdlib_logging.LogRecord) -> None:
        method = _METHOD_OF_LEVEL.get(record.levelno // 10 * 10, "info")
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        log = getattr(structlog.get_logger(record.name), method)
        log(message, **({"exc_info": record.exc_info} if record.exc_info else {}))

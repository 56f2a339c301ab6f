"""The door of the service: one pure ASGI middleware that every request passes.

It gives the request its ids, bounds its body, answers HEAD, completes 405, adds security headers,
counts and logs, and turns what nobody expected into the 500 problem. It works on the raw scope:
this code runs for every request, so it builds no request or header objects.
"""

import re
from collections.abc import Collection, Iterable
from time import perf_counter
from typing import Any

import structlog
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from app.api.problems import PROBLEM_JSON, problem_of
from app.api.wire import encode
from app.logging import CURRENT_REQUEST, Logs, timestamp
from app.metrics import RequestTimes
from app.redaction import Redactor
from domain.shared.errors import Defect, Fault

BODY_BYTES_MAX = 1024 * 1024
UPLOAD_BYTES_MAX = 64 * 1024 * 1024
UNMATCHED = "unmatched"
CLIENT_GONE = 499

API_POLICY = b"default-src 'none'; frame-ancestors 'none'"
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NO_STORE = (b"cache-control", b"no-store")
_API_POLICY = (b"content-security-policy", API_POLICY)
_CORRELATION_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_MAY_HAVE_BODY = ("POST", "PUT", "PATCH", "DELETE")

log = structlog.get_logger("ballast.http")


class HeadAnswered(OSError):
    """Tells a streaming answer to stop: the caller asked for the head only and has it."""


class RequestBoundary:
    """`upload_templates` are route templates whose bodies may reach 64 MiB instead of 1 MiB."""

    def __init__(
        self,
        app: ASGIApp,
        times: RequestTimes,
        logs: Logs,
        upload_templates: Collection[str] = (),
    ) -> None:
        self._app = app
        self._times = times
        self._logs = logs
        self._uploads = tuple(compile_path(template)[0] for template in upload_templates)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            _identify(scope, self._logs.redactor)
            token = CURRENT_REQUEST.set(scope)
            try:
                await self._app(scope, receive, send)
            finally:
                CURRENT_REQUEST.reset(token)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_s = perf_counter()
        method = scope["method"]
        length, is_chunked = _identify(scope, self._logs.redactor)
        if method == "HEAD":
            # A copy: the server frames its answer by the method in its own scope.
            scope = {**scope, "method": "GET"}
        answer = _Answer(scope, send, is_head=method == "HEAD")
        token = CURRENT_REQUEST.set(scope)
        self._times.in_flight += 1
        try:
            bytes_max = BODY_BYTES_MAX
            if is_chunked or length > bytes_max or (length < 0 and method in _MAY_HAVE_BODY):
                bytes_max = self._bytes_max(scope["path"])
                receive = _bounded(receive, bytes_max)
            if length > bytes_max:
                await _refuse_body(answer, bytes_max)
            else:
                await self._app(scope, receive, answer.send)
        except Exception as error:  # noqa: BLE001 - request boundary: nothing else may answer for it
            if not (answer.is_head and answer.is_complete):
                await _fail(answer, error)
        finally:
            self._times.in_flight -= 1
            self._record(scope, method, answer.status, perf_counter() - started_s)
            CURRENT_REQUEST.reset(token)

    def _bytes_max(self, path: str) -> int:
        is_upload = any(pattern.match(path) for pattern in self._uploads)
        return UPLOAD_BYTES_MAX if is_upload else BODY_BYTES_MAX

    def _record(self, scope: Scope, method: str, status: int, duration_s: float) -> None:
        template = template_of(scope)
        self._times.observe(method, template, status, duration_s)
        if not self._logs.takes_access_lines:
            return
        principal = scope.get("ballast_principal")
        self._logs.access(
            {
                "timestamp": timestamp(),
                "level": "info",
                "event": "request",
                "logger": "ballast.access",
                "request_id": scope["ballast_request_id"],
                "correlation_id": scope["ballast_correlation_id"],
                "method": method,
                "template": template,
                "status": status,
                "duration_ms": round(duration_s * 1000, 3),
                "principal": None if principal is None else principal.user_id,
            }
        )


class _Answer:
    """Wraps `send`: completes the head, and drops the body of an answer to HEAD."""

    __slots__ = ("_send", "is_complete", "is_head", "scope", "status")

    def __init__(self, scope: Scope, send: Send, *, is_head: bool) -> None:
        self.scope = scope
        self._send = send
        self.is_head = is_head
        self.is_complete = False
        self.status = CLIENT_GONE

    @property
    def is_started(self) -> bool:
        return self.status != CLIENT_GONE

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._headers(message.get("headers", ()))
        elif self.is_head:
            await self._send_no_body(message)
            return
        await self._send(message)

    def _headers(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        has_policy = has_caching = False
        completed = []
        for header in headers:
            name = header[0]
            if name == b"cache-control":
                has_caching = True
            elif name == b"content-security-policy":
                has_policy = True
            elif name == b"allow" and self.status == 405:
                continue
            completed.append(header)
        if not has_caching:
            completed.append(_NO_STORE)
        if not has_policy:
            completed.append(_API_POLICY)
        if self.status == 405:
            completed.append((b"allow", ", ".join(allowed_methods(self.scope)).encode()))
        completed += SECURITY_HEADERS
        completed += self.scope.get("ballast_headers", ())
        completed.append(
            (b"x-correlation-id", self.scope["ballast_correlation_id"].encode("ascii"))
        )
        return completed

    async def _send_no_body(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        if not self.is_complete:
            self.is_complete = True
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if message.get("more_body"):
            raise HeadAnswered


def _identify(scope: Scope, redactor: Redactor) -> tuple[int, bool]:
    """Set the ids; declared body length (−1: none declared) and whether the body is chunked."""
    length, is_chunked, correlation_id = -1, False, None
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = int(value) if value.isdigit() else 0
        elif name == b"transfer-encoding":
            is_chunked = True
        elif name == b"x-correlation-id" and _CORRELATION_ID.fullmatch(value):
            text = value.decode("ascii")
            correlation_id = text if redactor.text(text) == text else None
    request_id = f"req_{uuid7().hex}"
    scope["ballast_request_id"] = request_id
    scope["ballast_correlation_id"] = correlation_id or request_id
    return length, is_chunked


def _bounded(receive: Receive, bytes_max: int) -> Receive:
    """`receive` that refuses a body once it has grown past the bound."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > bytes_max:
                # The framework turns every other exception of a body into 400.
                raise HTTPException(413, _too_large(bytes_max), {"Connection": "close"})
        return message

    return bounded


def _too_large(bytes_max: int) -> str:
    return f"The body is larger than {bytes_max} bytes."


async def _refuse_body(answer: _Answer, bytes_max: int) -> None:
    fault = Fault("body_too_large", _too_large(bytes_max), context={"bytes_max": bytes_max})
    # Closing spares reading a body that nobody wants.
    await _send_problem(answer, fault, 413, ((b"connection", b"close"),))


async def _fail(answer: _Answer, error: Exception) -> None:
    if isinstance(error, HeadAnswered):
        return
    log.error("request_failed", exc_info=error)
    if answer.is_started:
        raise error
    await _send_problem(answer, Defect("internal_error", "unexpected"), 500)


async def _send_problem(
    answer: _Answer,
    fault: Fault,
    status: int,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    scope = answer.scope
    body = encode(problem_of(fault, scope["ballast_request_id"], status))
    head = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await answer.send({"type": "http.response.start", "status": status, "headers": head})
    await answer.send({"type": "http.response.body", "body": body})


def template_of(scope: Scope) -> str:
    """Template of the route that took the request, prefixes included; `unmatched` without one.

    The framework keeps the template of an included router's route beside the scope's `route`.
    """
    included = scope.get("fastapi")
    if included is not None:
        context = included.get("effective_route_context")
        if context is not None:
            template: str = context.path_format
            return template
    route = scope.get("route")
    return UNMATCHED if route is None else getattr(route, "path", UNMATCHED)


def allowed_methods(scope: Scope) -> list[str]:
    """Every method some route answers for this path, HEAD beside GET.

    A route that ends in a parameter with slashes matches the paths below it too; it counts only
    where no other route does, for those paths are documented on their own.
    """
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    routes = iter_route_contexts(scope["app"].routes)
    found = [route for route in routes if route.methods and _pattern_of(route).match(path)]
    own = [route for route in found if not (route.path or "").endswith(":path}")]
    methods = {method for route in own or found for method in route.methods or ()}
    if "GET" in methods:
        methods.add("HEAD")
    return sorted(methods)


def _pattern_of(route: Any) -> "re.Pattern[str]":
    pattern: re.Pattern[str] = route.path_regex
    return pattern

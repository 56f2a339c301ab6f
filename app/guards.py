"""What is checked before anything else: Host, Origin, preflights, and at start the address to bind.

Host and Origin are checked with authentication on or off: a page in the user's browser can reach a
service on loopback, and a name that an attacker re-points to 127.0.0.1 would make it same-origin.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem_of, problem_response
from domain.shared.errors import Fault
from infrastructure.security.service_secret import weakness_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
POLICY_VIOLATION = 1008


class HostAndOriginGuard:
    """Pure ASGI middleware: 421 for a foreign Host, 403 for a foreign Origin that changes state.

    `hosts` are names, with or without a port; a name without one allows every port. An Origin
    passes when it is listed or is the service itself. Sockets are refused before they are accepted.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(_bare(host.lower()) for host in hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(refused, scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, Fault] | None:
        hosts, origins = [], []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value.decode("latin-1").lower())
            elif name == b"origin":
                origins.append(value.decode("latin-1").lower())
        if len(hosts) != 1 or not self._is_allowed_host(hosts[0]):
            return 421, Fault("misdirected_request", "This Host is not served here.")
        if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
            return None
        for origin in origins:
            if not self._is_allowed_origin(origin, hosts[0]):
                return 403, Fault("origin_refused", "This Origin may not change anything here.")
        return None

    def _is_allowed_host(self, host: str) -> bool:
        return _bare(host) in self._hosts or _bare(_without_port(host)) in self._hosts

    def _is_allowed_origin(self, origin: str, host: str) -> bool:
        if origin in self._origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or parts.path or parts.query:
            return False
        default = f":{_DEFAULT_PORTS[parts.scheme]}"
        return parts.netloc.removesuffix(default) == host.removesuffix(default)


class CrossOrigin(CORSMiddleware):
    """Answers preflights of pages; a refused one is a problem like every other refusal."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            asked = Headers(scope=scope)
            if "origin" in asked and "access-control-request-method" in asked:
                await self._preflight(asked, scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    async def _preflight(self, asked: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self.preflight_response(asked)
        if answer.status_code >= 400:
            allowed = {
                name: text
                for name, text in answer.headers.items()
                if not name.startswith("content-")
            }
            fault = Fault("preflight_refused", f"{bytes(answer.body).decode()}.")
            request_id = str(scope.get("ballast_request_id", "req_unknown"))
            answer = problem_response(problem_of(fault, request_id, answer.status_code), allowed)
        await answer(scope, receive, send)


def _bare(host: str) -> str:
    """`[::1]` and `::1` are one name."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


async def _refuse(refused: tuple[int, Fault], scope: Scope, receive: Receive, send: Send) -> None:
    status, fault = refused
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": fault.code})
        return
    request_id = str(scope.get("ballast_request_id", "req_unknown"))
    response = problem_response(problem_of(fault, request_id, status))
    await response(scope, receive, send)


@dataclass(frozen=True, slots=True)
class BindFacts:
    """What decides whether the service may listen on an address."""

    host: str
    auth_on: bool
    secret: bytes
    tls_cert_file: str | None = None
    tls_key_file: str | None = None
    behind_tls_proxy: bool = False
    live_credential_stored: bool = False


class UnsafeBind(Exception):
    """The service refuses to start; `missing` says what would make it safe."""

    def __init__(self, host: str, missing: tuple[str, ...]) -> None:
        self.host = host
        self.missing = missing
        lines = "".join(f"\n  - {item}" for item in missing)
        super().__init__(f"Refusing to listen on {host}. Missing:{lines}")


def is_loopback(host: str) -> bool:
    """True for loopback addresses and `localhost`; any other name may be reachable from outside."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(_bare(host)).is_loopback
    except ValueError:
        return False


def require_safe_bind(facts: BindFacts) -> None:
    """UnsafeBind unless the address is loopback, or authentication, secret and TLS are there."""
    missing: list[str] = []
    weakness = weakness_of(facts.secret)
    if weakness is not None:
        missing.append(f"a strong secret (BALLAST_SECRET or BALLAST_SECRET_FILE): {weakness}")
    if not is_loopback(facts.host):
        if not facts.auth_on:
            missing.append("authentication: BALLAST_AUTH=on")
        if not (facts.tls_cert_file and facts.tls_key_file) and not facts.behind_tls_proxy:
            missing.append(
                "TLS: BALLAST_TLS_CERT_FILE and BALLAST_TLS_KEY_FILE,"
                " or BALLAST_BEHIND_TLS_PROXY=true"
            )
    if facts.live_credential_stored and not facts.auth_on:
        missing.append("authentication: BALLAST_AUTH=on, because a live credential is stored")
    if missing:
        raise UnsafeBind(facts.host, tuple(dict.fromkeys(missing)))

"""The route class every router uses: strict JSON in, exact JSON out, declared error codes."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope

from app.api.decimal_fields import decimal_reader
from app.api.lean_route import lean_app
from app.api.problems import PROBLEM_JSON, Problem
from app.api.wire import ExactJsonResponse, MalformedJson, parse_json

_WRAPPED = "__ballast_exact__"


class CodedHttpError(HTTPException):
    """An HTTP error of the parsing stage with its own code."""

    def __init__(self, status_code: int, code: str, detail: str) -> None:
        super().__init__(status_code, detail)
        self.code = code


class StrictRequest(Request):
    """Parses JSON by the service's rules and keeps the value for the idempotency signature."""

    async def json(self) -> Any:
        if "ballast_json" not in self.scope:
            try:
                self.scope["ballast_json"] = parse_json(await self.body())
            except MalformedJson as error:
                raise CodedHttpError(400, "malformed_json", str(error)) from None
        return self.scope["ballast_json"]


class BallastRoute(APIRoute):
    """Encodes what an endpoint returns exactly, and refuses bodies that are not JSON with 415."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        status = options.get("status_code") or 200
        super().__init__(path, _exact(endpoint, status), **options)

        body = self.body_field
        self.read_decimals = None if body is None else decimal_reader(body.field_info.annotation)
        self.lean_app = lean_app(self.endpoint, self.param_convertors, self._admit)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(self._admit(request.scope, request.receive))

        return strict

    def _admit(self, scope: Scope, receive: Receive) -> StrictRequest:
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            raise CodedHttpError(400, "bad_request", "The address holds NUL.")
        request = StrictRequest(scope, receive)
        if self.body_field is not None and "multipart" not in _media_type(self):
            _require_json(request)
        return request


def _require_json(request: Request) -> None:
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    content_type = headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() not in _JSON_TYPES:
        raise CodedHttpError(415, "unsupported_media_type", "Send the body as application/json.")


_JSON_TYPES = ("application/json", "application/merge-patch+json")


def _media_type(route: APIRoute) -> str:
    if route.body_field is None:
        return ""
    media_type = getattr(route.body_field.field_info, "media_type", "application/json")
    return "multipart" if "form" in str(media_type) else str(media_type)


def _exact(endpoint: Callable[..., Any], status: int) -> Callable[..., Awaitable[Any]]:
    if hasattr(endpoint, _WRAPPED):
        return endpoint

    injected = next(
        (n for n, p in inspect.signature(endpoint).parameters.items() if p.annotation is Response),
        None,
    )

    @functools.wraps(endpoint)
    async def exact(*args: Any, **kwargs: Any) -> Any:
        answer = await endpoint(*args, **kwargs)
        if isinstance(answer, Response):
            sent = answer
        elif answer is not None:
            sent = ExactJsonResponse(answer, status_code=status)
        else:
            sent = Response(status_code=status)
        if injected is not None:
            sent.headers.raw.extend(kwargs[injected].headers.raw)
        return sent

    setattr(exact, _WRAPPED, True)
    return exact


PREFIX = "/api/v1"


def capability_router(tag: str, under: str = "") -> APIRouter:
    """A capability's router, its paths written without the service's prefix."""
    return root_router(tag, f"{PREFIX}{under}")


def root_router(tag: str, prefix: str = "") -> APIRouter:
    """A router of paths outside the service's prefix."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=BallastRoute)


def with_trailing_slash(*routers: APIRouter) -> APIRouter:
    """The routers' paths with a slash at the end too, unlisted in the document."""
    into = root_router("")
    for router in routers:
        for route in router.routes:
            if isinstance(route, BallastRoute):
                into.add_api_route(
                    f"{route.path}/",
                    route.endpoint,
                    methods=sorted(route.methods or ()),
                    status_code=route.status_code,
                    response_model=route.response_model,
                    include_in_schema=False,
                )
    return into


COMMON_CODES: dict[int, tuple[str, ...]] = {
    400: ("malformed_json", "bad_request"),
    401: ("not_authenticated", "token_expired"),
    403: ("access_denied", "origin_refused"),
    422: ("invalid_request", "amount_out_of_range"),
    429: ("rate_limited",),
    503: ("store_unavailable", "queue_full", "shutting_down"),
}


def refusals(*declared: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses for the problem codes a route can answer, the common ones included.

    `declared` items read `404 position_not_found`.
    """
    codes: dict[int, list[str]] = {status: list(names) for status, names in COMMON_CODES.items()}
    for item in declared:
        status, _, code = item.partition(" ")
        codes.setdefault(int(status), []).append(code)
    return {status: refusal_answer(*names) for status, names in sorted(codes.items())}


@functools.cache
def refusal_answer(*codes: str) -> dict[str, Any]:
    """An answer with these problem codes, one object for all the routes that can give it."""
    names = list(dict.fromkeys(codes))
    examples = {name: {"$ref": f"#/components/examples/{name}"} for name in names}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": ", ".join(names),
        "content": {PROBLEM_JSON: {"schema": schema, "examples": examples}},
    }


def problem_example(status: int, code: str) -> dict[str, Any]:
    """What a problem of this code looks like."""
    return Problem(
        type=f"/docs/errors#{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail="A sentence that says what was wrong.",
        code=code,
        instance="req_0190b6f0c4d57c1e8a54c0ffee000001",
        retryable=status in (429, 503),
        errors=[],
        context={},
    ).model_dump()

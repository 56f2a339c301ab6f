"""Every error is application/problem+json (RFC 9457) with a snake_case code; one table maps faults
to HTTP.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.api.field_faults import field_faults
from app.api.wire import encode
from domain.shared.errors import (
    AccessDenied,
    AccountHalted,
    BadInput,
    Conflict,
    Defect,
    Fault,
    Gone,
    Invalid,
    NotAuthenticated,
    NotFound,
    PreconditionMissing,
    RuleRefused,
    StaleVersion,
    TooMany,
    Unavailable,
)

PROBLEM_JSON = "application/problem+json"
log = structlog.get_logger("ballast.http")

STATUS: dict[type[Fault], int] = {
    BadInput: 400,
    NotAuthenticated: 401,
    AccessDenied: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    StaleVersion: 412,
    Invalid: 422,
    RuleRefused: 422,
    AccountHalted: 423,
    PreconditionMissing: 428,
    TooMany: 429,
    Unavailable: 503,
    Defect: 500,
}

FRAMEWORK_CODES = {
    400: "bad_request",
    401: "not_authenticated",
    403: "access_denied",
    404: "route_not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    421: "misdirected_request",
    422: "invalid_request",
}


class FieldProblem(BaseModel):
    """One faulty field."""

    pointer: str = Field(description="RFC 6901 pointer into the body, or the parameter's name.")
    code: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem. Clients switch on `code`; `retryable` says whether the same call may
    succeed later.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str = Field(description="Request id, also in the logs.")
    retryable: bool
    errors: list[FieldProblem]
    context: dict[str, Any]


def status_of(fault: Fault) -> int:
    """HTTP status of a fault, by the nearest class in the table."""
    for kind in type(fault).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def problem_of(fault: Fault, request_id: str, status: int | None = None) -> Problem:
    """The fault as a problem; a defect shows nothing but its request id."""
    status = status or status_of(fault)
    if status == 500:
        return Problem(
            type="/docs/errors#internal_error",
            title="Internal error",
            status=500,
            detail="The service failed; the request id finds the cause in the logs.",
            code="internal_error",
            instance=request_id,
            retryable=False,
            errors=[],
            context={},
        )
    return Problem(
        type=f"/docs/errors#{fault.code}",
        title=fault.code.replace("_", " ").capitalize(),
        status=status,
        detail=fault.message,
        code=fault.code,
        instance=request_id,
        retryable=status in (429, 503) or fault.code in ("request_in_progress", "stale_version"),
        errors=[
            FieldProblem(pointer=e.pointer, code=e.code, message=e.message) for e in fault.errors
        ],
        context=fault.context,
    )


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a response of its own status."""
    return Response(encode(problem), problem.status, dict(headers or {}), PROBLEM_JSON)


def shaped(problem: Problem, request: Request) -> Problem:
    """The problem in the shape of the route that was asked, where it has one of its own."""
    shape = getattr(request.scope.get("route"), "shape_problem", None)
    if shape is None:
        return problem
    own: Problem = shape(problem, request)
    return own


def request_id_of(request: Request) -> str:
    """Id the request was given at the door."""
    return str(request.scope.get("ballast_request_id", "req_unknown"))


def respond_to(fault: Fault, request: Request) -> Response:
    """The answer to a fault."""
    problem = problem_of(fault, request_id_of(request))
    if problem.status == 500:
        log.error("defect", exc_info=fault, code=fault.code, context=fault.context)
    headers: dict[str, str] = {}
    if fault.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(fault.retry_after_s)))
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem_response(shaped(problem, request), headers)


def answer_to(error: Exception, request: Request) -> Response:
    """The answer to whatever a route raised; what nobody foresaw is a defect."""
    if isinstance(error, Fault):
        return respond_to(error, request)
    if isinstance(error, HTTPException):
        return _framework_problem(request, error)
    if isinstance(error, RequestValidationError):
        return respond_to(_invalid(error), request)
    return respond_to(Defect("internal_error", repr(error)), request)


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of the framework and of the use cases a problem."""

    async def answered(request: Request, error: Exception) -> Response:
        return answer_to(error, request)

    for kind in (Fault, HTTPException, RequestValidationError, 500):
        app.add_exception_handler(kind, answered)


def _framework_problem(request: Request, error: HTTPException) -> Response:
    code = getattr(error, "code", None) or FRAMEWORK_CODES.get(
        error.status_code, HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    )
    fault = Fault(code, str(error.detail))
    problem = problem_of(fault, request_id_of(request), error.status_code)
    return problem_response(shaped(problem, request), error.headers)


def _invalid(error: RequestValidationError) -> Fault:
    faults = field_faults(error.errors(), error.body)
    code = "invalid_request"
    pointers = {fault.pointer for fault in faults}
    if (
        pointers
        and pointers <= {"/qty", "/filled_qty"}
        and all(f.code != "missing" for f in faults)
    ):
        code = "invalid_qty"
    named = ", ".join(sorted(pointer or "the body" for pointer in pointers))
    return Invalid(code, f"The request does not fit its schema: {named}.", errors=faults)

"""Refusals as desktop clients read them: faults of schema and business are 400.

`detail`, `error`, `timestamp` and `path` stand beside the other members of the problem.
"""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request

from app.api.problems import Problem
from app.api.routing import COMMON_CODES, BallastRoute, refusal_answer
from app.api.wire import Moment

BUSINESS = frozenset({409, 410, 422, 423})
AS_EVERYWHERE = frozenset(
    {"pinned_by_environment", "idempotency_signature_mismatch", "request_in_progress"}
)
"""Codes that keep their status on these paths too."""


class CompatProblem(Problem):
    """The problem with the members that desktop clients show."""

    error: str
    timestamp: Moment
    path: str


class CompatRoute(BallastRoute):
    """Its refusals have the shape of the desktop contract, whoever raised them."""

    def shape_problem(self, problem: Problem, request: Request) -> Problem:
        """The refusal as this route's callers read it."""
        members: dict[str, Any] = problem.model_dump()
        members["status"] = compat_status(problem.status, problem.code)
        return CompatProblem(
            **members,
            error=problem.title,
            timestamp=datetime.now(UTC),
            path=request.url.path,
        )


def compat_status(status: int, code: str) -> int:
    """Status of a refusal on the desktop's paths."""
    return 400 if status in BUSINESS and code not in AS_EVERYWHERE else status


def compat_router(tag: str) -> APIRouter:
    """A capability's router on the desktop's paths."""
    return APIRouter(tags=[tag], route_class=CompatRoute)


def compat_refusals(*declared: str) -> dict[int | str, dict[str, Any]]:
    """As `refusals`: items name the status that the canonical route answers."""
    codes: dict[int, list[str]] = {}
    common = [(status, code) for status, names in COMMON_CODES.items() for code in names]
    own = [(int(item.split()[0]), item.split()[1]) for item in declared]
    for status, code in (*common, *own):
        codes.setdefault(compat_status(status, code), []).append(code)
    return {status: refusal_answer(*names) for status, names in sorted(codes.items())}

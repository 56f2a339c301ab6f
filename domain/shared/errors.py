"""One small tree of faults; every error a caller can see is one of these with a coded reason.

Fault(code, message, context)              root, never raised itself
├─ BadInput            the request itself is malformed                           → 400
├─ NotAuthenticated / AccessDenied                                               → 401 / 403
├─ NotFound            no such object for this owner                             → 404
├─ Conflict            the state of the object forbids it now                    → 409
├─ Gone                it existed and its time is over                           → 410
├─ StaleVersion        somebody changed it first                                 → 412
├─ Invalid             well-formed but outside the rules of the schema           → 422
├─ RuleRefused         an expected business "no"                                 → 422
├─ AccountHalted       trading is stopped for this account                       → 423
├─ PreconditionMissing a guarded change without If-Match                         → 428
├─ TooMany             a budget is used up; has retry_after                      → 429
├─ Unavailable         not ready, queue full, provider down; has retry_after     → 503
├─ Ambiguous           outcome unknown; must never be retried blindly            → order state
└─ Defect              broken invariant: logged, alerted                         → 500
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field: RFC 6901 pointer, snake_case code, sentence. Never the
    value.
    """

    pointer: str
    code: str
    message: str


class Fault(Exception):
    """Root of the tree. `code` is what clients switch on; `context` is typed per code."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        context: Mapping[str, object] | None = None,
        errors: tuple[FieldFault, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = str(code)
        self.message = message
        self.context: dict[str, object] = dict(context or {})
        self.errors = errors
        self.retry_after_s = retry_after_s


class BadInput(Fault):
    """The request is malformed or lacks a required header."""


class NotAuthenticated(Fault):
    """No valid credential was presented."""


class AccessDenied(Fault):
    """The principal is known but lacks the role or scope."""


class NotFound(Fault):
    """No such object, or it belongs to another owner."""


class Conflict(Fault):
    """The current state of the object forbids the command."""


class Gone(Fault):
    """The object existed and its time is over."""


class StaleVersion(Fault):
    """The object changed since the caller read it."""


class Invalid(Fault):
    """The request is well-formed but breaks a rule of its schema; nothing was written."""


class RuleRefused(Fault):
    """A business rule said no; final, so it is stored and replayed for its idempotency key."""


class AccountHalted(RuleRefused):
    """New risk is refused because the account is halted."""


class PreconditionMissing(Fault):
    """A guarded change arrived without If-Match."""


class TooMany(Fault):
    """A rate or queue budget is used up."""


class Unavailable(Fault):
    """A needed part is not ready; the same call may succeed later."""


class Ambiguous(Fault):
    """The outcome of an external call is unknown; never retried blindly."""


class Defect(Fault):
    """A broken invariant: nothing commits, the incident is logged with full context."""

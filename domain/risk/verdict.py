"""What the gate answers: every check with its limit, the value it saw, and the room that
is left.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from json.encoder import encode_basestring

from domain.shared.decimals import ZERO, plain, quantity_to_step
from domain.shared.json_text import JsonArray


class CheckStatus(StrEnum):
    """Outcome of one check."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    DEFERRED = "deferred"
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    """A failed hard check refuses the order; a soft one warns."""

    HARD = "hard"
    SOFT = "soft"


class DataQuality(StrEnum):
    """How good the price behind a figure is."""

    LIVE = "live"
    STALE = "stale"
    DECLARED = "declared"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check; `is_floor` when `used` must not be below `limit`.

    `quantity_max` is the largest quantity that would pass.
    """

    code: str
    status: CheckStatus
    severity: Severity = Severity.HARD
    limit_key: str | None = None
    limit: Decimal | None = None
    before: Decimal | None = None
    used: Decimal | None = None
    unit: str | None = None
    source: str | None = None
    data_quality: DataQuality | None = None
    reason: str | None = None
    quantity_max: Decimal | None = None
    is_floor: bool = False

    @property
    def headroom(self) -> Decimal | None:
        """Room left: limit − used, or used − limit above a floor; negative when it is broken."""
        if self.limit is None or self.used is None:
            return None
        return self.used - self.limit if self.is_floor else self.limit - self.used

    @property
    def refuses(self) -> bool:
        """True when this finding alone stops the order."""
        return self.status is CheckStatus.FAILED and self.severity is Severity.HARD

    def as_json(self) -> str:
        """The finding as answered and stored, without what it does not have: most checks judge
        nothing of most orders. Codes, keys and units are plain words.
        """
        parts = [
            f'{{"code":"{self.code}","status":"{self.status._value_}",'
            f'"severity":"{self.severity._value_}"'
        ]
        if self.limit_key is not None:
            parts.append(f'"limit_key":"{self.limit_key}"')
        for name, value in (
            ("limit", self.limit),
            ("before", self.before),
            ("used", self.used),
            ("headroom", self.headroom),
        ):
            if value is not None:
                parts.append(f'"{name}":{plain(value)}')
        if self.unit is not None:
            parts.append(f'"unit":"{self.unit}"')
        if self.source is not None:
            parts.append(f'"source":{encode_basestring(self.source)}')
        if self.data_quality is not None:
            parts.append(f'"data_quality":"{self.data_quality._value_}"')
        if self.reason is not None:
            parts.append(f'"reason":{encode_basestring(self.reason)}')
        return ",".join(parts) + "}"


@dataclass(frozen=True, slots=True)
class Asked:
    """The quantity an order is for, and the step of its instrument."""

    qty: Decimal
    lot_step: Decimal


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings, in the registry's order."""

    findings: tuple[Finding, ...]
    adjusted_quantity: Decimal | None
    trading_state: str
    as_of: datetime

    @property
    def allowed(self) -> bool:
        """True when no hard check failed."""
        return not any(finding.refuses for finding in self.findings)

    @property
    def checks(self) -> JsonArray:
        """Every finding as answered and stored."""
        return JsonArray(f"[{','.join([finding.as_json() for finding in self.findings])}]")

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that stop the order."""
        return tuple(finding for finding in self.findings if finding.refuses)

    def sentence(self) -> str:
        """One line for people: how many checks failed, and the first of them with its figures."""
        failed = self.refusals
        if not failed:
            return f"All {len(self.findings)} checks allow the order."
        first = failed[0]
        figures = ""
        if first.used is not None and first.limit is not None:
            figures = f" would be {plain(first.used)}, limit {plain(first.limit)}"
        elif first.reason:
            figures = f": {first.reason}"
        return f"{len(failed)} of {len(self.findings)} checks failed: {first.code}{figures}."


def verdict_of(
    findings: tuple[Finding, ...], asked: Asked, trading_state: str, as_of: datetime
) -> Verdict:
    """The findings with the quantity they would allow."""
    return Verdict(findings, _adjusted_quantity(findings, asked), trading_state, as_of)


def _adjusted_quantity(findings: tuple[Finding, ...], asked: Asked) -> Decimal | None:
    """Largest step multiple that every quantity-dependent check passes; null when another check
    fails.
    """
    if any(f.refuses and f.quantity_max is None for f in findings):
        return None
    bounds = [f.quantity_max for f in findings if f.quantity_max is not None]
    stepped = quantity_to_step(min([asked.qty, *bounds]), asked.lot_step)
    return stepped if stepped > ZERO else None

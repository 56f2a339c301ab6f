"""What the gate answers: every check with its limit, the value it saw, and the room that
is left.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from json.encoder import encode_basestring

from domain.shared.decimals import plain
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
        """The finding as answered and stored. Codes, keys and units are plain words."""
        return (
            f'{{"code":"{self.code}","status":"{self.status._value_}",'
            f'"severity":"{self.severity._value_}","limit_key":{_word(self.limit_key)},'
            f'"limit":{_number(self.limit)},"before":{_number(self.before)},'
            f'"used":{_number(self.used)},"headroom":{_number(self.headroom)},'
            f'"unit":{_word(self.unit)},"source":{_text(self.source)},'
            f'"data_quality":{_word(self.data_quality)},"reason":{_text(self.reason)}}}'
        )


def _number(value: Decimal | None) -> str:
    return "null" if value is None else plain(value)


def _word(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'


def _text(value: str | None) -> str:
    return "null" if value is None else encode_basestring(value)


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

"""What the candle checker found, in the shape every caller gets."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ISSUES_MAX = 500
COMPLETENESS_MIN = 0.99


class IssueCode(StrEnum):
    """Everything the checker can report."""

    MISSING_COLUMN = "missing_column"
    EMPTY = "empty"
    NON_FINITE = "non_finite"
    NON_POSITIVE_PRICE = "non_positive_price"
    OHLC_ORDER = "ohlc_order"
    NEGATIVE_VOLUME = "negative_volume"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"
    DUPLICATE_TIME = "duplicate_time"
    NOT_SORTED = "not_sorted"
    MISALIGNED = "misaligned"
    OFF_SESSION = "off_session"
    UNCLOSED = "unclosed"
    GAP = "gap"
    EXTREME_MOVE = "extreme_move"
    SCALE_JUMP = "scale_jump"
    ZERO_VOLUME_RUN = "zero_volume_run"
    COPIED_OPEN = "copied_open"


class Severity(StrEnum):
    """How much an issue matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class GapPolicy(StrEnum):
    """`reject`: completeness below 0.99 or a critical issue makes data unusable. `warn`: only rows
    that cannot be candles do."""

    REJECT = "reject"
    WARN = "warn"


REJECTING = frozenset(
    {
        IssueCode.MISSING_COLUMN,
        IssueCode.EMPTY,
        IssueCode.NON_FINITE,
        IssueCode.NON_POSITIVE_PRICE,
        IssueCode.OHLC_ORDER,
        IssueCode.NEGATIVE_VOLUME,
        IssueCode.CONFLICTING_DUPLICATE,
    }
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding; times are epoch ms of the first and last open it touches, null without rows."""

    code: IssueCode
    severity: Severity
    description: str
    start_ms: int | None
    end_ms: int | None
    affected_rows: int
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Report on one series over the half-open range [start_ms, end_ms).

    completeness = present unique bars of the grid / expected bars, null when none is expected.
    """

    series: str
    start_ms: int | None
    end_ms: int | None
    total_candles: int
    expected_candles: int
    missing_candles: int
    duplicate_candles: int
    invalid_candles: int
    completeness: float | None
    usable: bool
    issues: tuple[Issue, ...]
    by_severity: Mapping[str, int]
    issues_omitted: int = 0


def capped(issues: list[Issue]) -> tuple[tuple[Issue, ...], int]:
    """The first 500 issues, rejecting ones first, and how many are left out."""
    ordered = sorted(issues, key=lambda issue: (issue.code not in REJECTING, issue.start_ms or 0))
    return tuple(ordered[:ISSUES_MAX]), max(0, len(issues) - ISSUES_MAX)


def count_by_severity(issues: list[Issue]) -> dict[str, int]:
    """Number of issues per severity, zeros included."""
    counts = Counter(issue.severity for issue in issues)
    return {severity.value: counts[severity] for severity in Severity}


def is_usable(issues: list[Issue], completeness: float | None, policy: GapPolicy) -> bool:
    """No rejecting issue; under `reject` also no critical one and completeness >= 0.99."""
    if any(issue.code in REJECTING for issue in issues):
        return False
    if policy is GapPolicy.WARN:
        return True
    if any(issue.severity is Severity.CRITICAL for issue in issues):
        return False
    return completeness is None or completeness >= COMPLETENESS_MIN


def missing_columns(series: str, names: tuple[str, ...]) -> QualityReport:
    """Report of data without a required column."""
    issue = Issue(
        IssueCode.MISSING_COLUMN,
        Severity.CRITICAL,
        f"Required columns are absent: {', '.join(names)}.",
        None,
        None,
        0,
        {"columns": list(names)},
    )
    counts = count_by_severity([issue])
    return QualityReport(series, None, None, 0, 0, 0, 0, 0, None, False, (issue,), counts)

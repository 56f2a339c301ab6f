"""Reports as callers get them: names of the API, times as instants, shares as decimals."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal

from domain.market.candle import from_ms
from domain.market.import_report import ImportReport
from domain.market.quality_report import Issue, QualityReport
from domain.shared.decimals import fraction


def quality_document(report: QualityReport) -> dict[str, object]:
    """The checker's report."""
    return {
        "series": report.series,
        "start": _moment(report.start_ms),
        "end": _moment(report.end_ms),
        "total_candles": report.total_candles,
        "expected_candles": report.expected_candles,
        "missing_candles": report.missing_candles,
        "duplicate_candles": report.duplicate_candles,
        "invalid_candles": report.invalid_candles,
        "completeness": share(report.completeness),
        "usable": report.usable,
        "issues": [_issue(issue) for issue in report.issues],
        "issues_omitted": report.issues_omitted,
        "summary": {"by_severity": dict(report.by_severity)},
    }


def import_document(report: ImportReport) -> dict[str, object]:
    """What became of a file, with the checker's report under `report`."""
    return {
        "instrument": report.instrument,
        "series": report.series,
        "stored": report.stored,
        "rows_read": report.rows_read,
        "rows_of_other_symbols": report.rows_of_other_symbols,
        "inserted": report.inserted,
        "unchanged": report.unchanged,
        "revised": report.revised,
        "actions": report.actions,
        "errors": [asdict(error) for error in report.errors],
        "errors_omitted": report.errors_omitted,
        "notes": list(report.notes),
        "warnings": list(report.warnings),
        "report": quality_document(report.report),
    }


def share(value: float | None) -> Decimal | None:
    """A fraction with at most ten decimals."""
    return None if value is None else fraction(Decimal(repr(value)))


def _issue(issue: Issue) -> dict[str, object]:
    details = dict(issue.details)
    times = details.pop("open_times_ms", None)
    if isinstance(times, list):
        details["open_times"] = [from_ms(at) for at in times]
    return {
        "code": issue.code.value,
        "severity": issue.severity.value,
        "description": issue.description,
        "start_time": _moment(issue.start_ms),
        "end_time": _moment(issue.end_ms),
        "affected_rows": issue.affected_rows,
        "details": details,
    }


def _moment(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else from_ms(epoch_ms)

"""Reports as they are answered."""

from app.api.wire import AnswerModel, Moment


class ReportSummaryOut(AnswerModel):
    """`total_trades` counts closed trades, not events."""

    total_trades: int
    active_positions: int
    generated_at: Moment


class ExportedReportOut(AnswerModel):
    """A report that was written; where it lies on the machine is not told."""

    message: str
    filename: str
    report_summary: ReportSummaryOut
    download_url: str
    format: str
    sha256: str
    total_events: int


class ReportOut(AnswerModel):
    """A stored report."""

    filename: str
    format: str
    size_bytes: int
    written_at: Moment
    download_url: str


class ReportsOut(AnswerModel):
    """Stored reports, newest first."""

    items: list[ReportOut]

"""Reports on the desktop's own paths: export, list, download."""

from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from app.api.compat import report_schemas as s
from app.api.compat.problems import compat_refusals, compat_router
from app.api.dependencies import JobSender, Reader, Runs, use
from app.api.idempotency import OnceOnly, OptionalKey, Presented
from app.reporting import ReportDesk, ReportWish, WrittenReport
from application.portfolio.recording import account_event
from application.portfolio.report_name import ReportName
from application.ports.unit_of_work import UnitOfWork

router = compat_router("desktop")
Desk = Annotated[ReportDesk, Depends(use(ReportDesk))]
MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
LISTED_MAX = 1_000
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {
            "application/json": {
                "schema": {"type": "object", "additionalProperties": True},
                "example": {"generated_at": "2026-01-05T21:00:00Z", "trade_history": []},
            },
            **{
                kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for name, kind in MEDIA_TYPES.items()
                if name != "json"
            },
        },
    }
}


@router.post(
    "/export-report",
    operation_id="export_report",
    summary="Write a report of performance, trades and configuration to the reports folder",
    response_model=s.ExportedReportOut,
    responses=compat_refusals(
        "400 invalid_filename",
        "400 file_exists",
        "503 calendar_range",
        "503 calendar_not_ready",
        "503 compute_lost",
        "503 report_not_written",
    ),
)
async def export_report(
    request: Request,
    caller: JobSender,
    runs: Runs,
    key: OptionalKey,
    once: OnceOnly,
    desk: Desk,
    filename: Annotated[
        str | None, Query(max_length=512, description="Its extension decides the format.")
    ] = None,
    overwrite: Annotated[bool, Query(description="Replace a report of that name.")] = False,
    file_format: Annotated[Literal["json", "csv", "xlsx"], Query(alias="format")] = "json",
) -> Response:
    request.scope["ballast_json"] = {
        "filename": filename, "overwrite": overwrite, "format": file_format,
    }  # fmt: skip
    known = await once.replayed(request, caller, key)
    if known is not None:
        return known
    name = None if filename is None else ReportName(filename)
    wish = ReportWish(name, file_format, overwrite)
    context = runs.context(request, caller)
    written = await run_in_threadpool(desk.export, wish, context)
    return await once(
        request,
        caller,
        key,
        lambda work: _noted(written, work),
        lambda report: Presented(200, _exported_out(report)),
    )


@router.get(
    "/reports",
    operation_id="list_reports",
    summary="Stored reports, newest first",
    responses=compat_refusals(),
)
async def list_reports(caller: Reader, desk: Desk) -> s.ReportsOut:
    stored = await run_in_threadpool(desk.folder.stored)
    return s.ReportsOut(
        items=[
            s.ReportOut(
                filename=report.name.name,
                format=report.name.format,
                size_bytes=report.size_bytes,
                written_at=report.written_at,
                download_url=_url(report.name),
            )
            for report in stored[:LISTED_MAX]
        ]
    )


@router.get(
    "/reports/{filename}",
    operation_id="download_report",
    summary="One report as a file",
    response_class=Response,
    responses=compat_refusals("400 invalid_filename", "404 report_not_found") | _FILE,
)
async def download_report(filename: str, caller: Reader, desk: Desk) -> Response:
    name = ReportName(filename)
    path = await run_in_threadpool(desk.folder.find, name)
    return FileResponse(path, media_type=MEDIA_TYPES[name.format], filename=name.name)


def _noted(report: WrittenReport, work: UnitOfWork) -> WrittenReport:
    account = work.accounts.main()
    outputs = {
        "filename": report.name.name, "format": report.name.format, "sha256": report.sha256,
        "total_trades": report.total_trades, "total_events": report.total_events,
    }  # fmt: skip
    message = f"Report {report.name.name} was written."
    event = account_event("report_exported", account.id, work.now, message, outputs=outputs)
    work.events.append([event])
    return report


def _exported_out(report: WrittenReport) -> s.ExportedReportOut:
    return s.ExportedReportOut(
        message=f"Report {report.name.name} was written.",
        filename=report.name.name,
        report_summary=s.ReportSummaryOut(
            total_trades=report.total_trades,
            active_positions=report.active_positions,
            generated_at=report.generated_at,
        ),
        download_url=_url(report.name),
        format=report.name.format,
        sha256=report.sha256,
        total_events=report.total_events,
    )


def _url(name: ReportName) -> str:
    return f"/reports/{name.name}"

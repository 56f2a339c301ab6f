"""Import candles from a file: the upload is stored, a job parses and checks it, the report
stays.
"""

from typing import Annotated

from fastapi import Depends, File, Form, Request, Response, UploadFile

from app.api.dependencies import JobSender, Reader, Runs, use
from app.api.idempotency import OptionalKey
from app.api.jobs.accepted import ACCEPTED_RESPONSES, Accepts, read_result
from app.api.jobs.schemas import JobOut
from app.api.market.schemas import ImportReportOut
from app.api.market.uploads import declaration, job_of_upload
from app.api.routing import capability_router, refusals
from app.settings import Settings
from application.jobs.queries import get_job
from application.jobs.submit import SubmitJobHandler
from application.market.job_kinds import IMPORT_CANDLES, UPLOAD_FOLDER
from application.ports.jobs import JobFiles
from domain.market.import_spec import ImportSpec
from domain.shared.errors import NotFound

router = capability_router("market")
SPEC_EXAMPLE = '{"instrument": "AAPL", "interval": "1d"}'


@router.post(
    "/data/imports",
    status_code=202,
    operation_id="import_candles",
    summary="Import candles from a CSV or Parquet file (at most 64 MiB), as a job",
    response_model=JobOut,
    responses=refusals(
        "409 idempotency_signature_mismatch",
        "413 body_too_large",
        "422 import_invalid",
        "422 unknown_timeframe",
        "422 invalid_symbol",
    )
    | ACCEPTED_RESPONSES,
)
async def import_candles(
    request: Request,
    file: Annotated[UploadFile, File(description="CSV with a header row, or Parquet.")],
    spec: Annotated[
        str,
        Form(
            max_length=4096,
            description="JSON: instrument, interval; optional adjustment, timezone, time_unit, "
            "delimiter, symbol, on_conflict, gap_policy. Declared, never guessed.",
            examples=[SPEC_EXAMPLE],
        ),
    ],
    caller: JobSender,
    key: OptionalKey,
    accepts: Annotated[Accepts, Depends()],
    settings: Annotated[Settings, Depends(use(Settings))],
    submit: Annotated[SubmitJobHandler, Depends(use(SubmitJobHandler))],
) -> Response:
    declared = ImportSpec.from_document(declaration(spec, "import")).as_document()
    folder = settings.data_dir / UPLOAD_FOLDER
    job = await job_of_upload(IMPORT_CANDLES.name, declared, file, folder, request)
    return await accepts(caller, key, lambda work: submit(job, work))


@router.get(
    "/data/imports/{job_id}/report",
    operation_id="get_import_report",
    summary="What became of the file: rows, errors by row, the checker's report",
    response_model=ImportReportOut,
    responses=refusals("404 job_not_found", "404 job_result_missing", "409 job_not_finished"),
)
async def get_import_report(
    request: Request,
    job_id: str,
    caller: Reader,
    runs: Runs,
    files: Annotated[JobFiles, Depends(use(JobFiles))],
) -> Response:
    job = await runs.glance(request, caller, lambda work: get_job(job_id, work))
    if job.kind != IMPORT_CANDLES.name:
        raise NotFound("job_not_found", f"Job {job_id} is not an import.")
    body = await read_result(request, caller, job_id, runs, files)
    return Response(body, media_type="application/json")

"""Breadth: stored rows with their score, import, computation, weights."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, File, Form, Query, Request, Response, UploadFile

from app.api.dependencies import JobSender, Reader, RiskManager, Runs, use
from app.api.idempotency import OptionalKey
from app.api.jobs.accepted import ACCEPTED_RESPONSES, Accepts
from app.api.jobs.schemas import JobOut
from app.api.market import state_present as present
from app.api.market import state_schemas as s
from app.api.market.market_state import NOT_READY
from app.api.market.state_queries import Days
from app.api.market.uploads import declaration, job_of_upload
from app.api.preconditions import NOT_MODIFIED, OptionalVersion, versioned
from app.api.routing import capability_router, refusals
from app.api.wire import Day
from app.settings import Settings
from application.jobs.submit import SubmitJob, SubmitJobHandler, SubmittedJob
from application.market.breadth_queries import BreadthQueries
from application.market.catalogue import instrument_named
from application.market.change_regime_settings import ChangeRegimeSettings, WantedRegimeSettings
from application.market.compute_breadth import BreadthUniverse
from application.market.job_kinds import COMPUTE_BREADTH, IMPORT_BREADTH, UPLOAD_FOLDER
from application.market.regime_settings import regime_settings
from application.ports.unit_of_work import UnitOfWork
from domain.market.breadth_csv import BreadthSpec
from domain.market.regime_settings import RegimeSettings

router = capability_router("market")

Queries = Annotated[BreadthQueries, Depends(use(BreadthQueries))]
Submits = Annotated[SubmitJobHandler, Depends(use(SubmitJobHandler))]
Changes = Annotated[ChangeRegimeSettings, Depends(use(ChangeRegimeSettings))]
SPEC_EXAMPLE = '{"date_format": "MM/DD/YYYY"}'


@router.get(
    "/breadth/latest",
    operation_id="get_latest_breadth",
    summary="Breadth of the newest session that has any",
    responses=refusals("404 no_market_state", *NOT_READY),
)
async def get_latest_breadth(
    request: Request, caller: Reader, runs: Runs, queries: Queries
) -> s.BreadthOut:
    return present.breadth_out(await runs.query(request, caller, queries.latest))


@router.get(
    "/breadth/history",
    operation_id="list_breadth",
    summary="Breadth with start <= session <= end, the newest `limit` rows, ascending",
    responses=refusals("422 invalid_range", *NOT_READY),
)
async def list_breadth(
    request: Request,
    caller: Reader,
    runs: Runs,
    queries: Queries,
    days: Annotated[Days, Depends()],
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> s.BreadthHistoryOut:
    found = await runs.query(
        request, caller, lambda work: queries.history(days.of(work), limit, work)
    )
    return s.BreadthHistoryOut(items=[present.breadth_out(row) for row in found], n=len(found))


@router.get(
    "/breadth/date/{session}",
    operation_id="get_breadth",
    summary="Breadth of one session",
    responses=refusals("404 no_market_state", *NOT_READY),
)
async def get_breadth(
    request: Request, session: Day, caller: Reader, runs: Runs, queries: Queries
) -> s.BreadthOut:
    return present.breadth_out(
        await runs.query(request, caller, lambda work: queries.of(session, work))
    )


@router.get(
    "/breadth/summary",
    operation_id="get_breadth_summary",
    summary="How much breadth is stored",
    responses=refusals(),
)
async def get_breadth_summary(
    request: Request, caller: Reader, runs: Runs, queries: Queries
) -> s.BreadthSummaryOut:
    return present.summary_out(await runs.query(request, caller, queries.summary))


@router.post(
    "/breadth/import",
    status_code=202,
    operation_id="import_breadth",
    summary="Import breadth from a CSV file (at most 16 MiB), as a job; bad rows are named",
    response_model=JobOut,
    responses=refusals(
        "409 idempotency_signature_mismatch", "413 body_too_large", "422 import_invalid"
    )
    | ACCEPTED_RESPONSES,
)
async def import_breadth(
    request: Request,
    file: Annotated[UploadFile, File(description="Delimited UTF-8 text with a heading.")],
    caller: JobSender,
    key: OptionalKey,
    accepts: Annotated[Accepts, Depends()],
    settings: Annotated[Settings, Depends(use(Settings))],
    submit: Submits,
    spec: Annotated[
        str,
        Form(
            max_length=4096,
            description="JSON: date_format, delimiter, columns {heading: our name}.",
            examples=[SPEC_EXAMPLE],
        ),
    ] = "{}",
) -> Response:
    declared = BreadthSpec.from_document(declaration(spec, "breadth")).as_document()
    folder = settings.data_dir / UPLOAD_FOLDER
    job = await job_of_upload(IMPORT_BREADTH.name, declared, file, folder, request)
    return await accepts(caller, key, lambda work: submit(job, work))


@router.post(
    "/breadth/compute",
    status_code=202,
    operation_id="compute_breadth",
    summary="Compute the share of instruments above their 40-day average, as a job",
    response_model=JobOut,
    responses=refusals(
        "404 unknown_instrument",
        "409 idempotency_signature_mismatch",
        "415 unsupported_media_type",
        "422 ambiguous_symbol",
        "422 invalid_range",
        "422 invalid_symbol",
        "422 invalid_universe",
    )
    | ACCEPTED_RESPONSES,
)
async def compute_breadth(
    body: s.ComputeBreadthIn,
    caller: JobSender,
    key: OptionalKey,
    accepts: Annotated[Accepts, Depends()],
    submit: Submits,
) -> Response:
    def queued(work: UnitOfWork) -> SubmittedJob:
        named = tuple(instrument_named(symbol, work).id for symbol in body.universe)
        universe = BreadthUniverse(named, body.start, body.end)
        return submit(SubmitJob(COMPUTE_BREADTH.name, universe.as_document()), work)

    return await accepts(caller, key, queued)


@router.get(
    "/breadth/weights",
    operation_id="get_breadth_weights",
    summary="Weights of the breadth score",
    response_model=s.BreadthWeightsOut,
    responses=refusals() | NOT_MODIFIED,
)
async def get_breadth_weights(request: Request, caller: Reader, runs: Runs) -> Response:
    settings = await runs.glance(request, caller, regime_settings)
    return versioned(request, settings.version, present.weights_out(settings))


@router.put(
    "/breadth/weights",
    operation_id="put_breadth_weights",
    summary="Replace the weights of the breadth score; they sum to 1 ± 0.01",
    responses=refusals(
        "400 invalid_if_match",
        "412 stale_version",
        "415 unsupported_media_type",
        "422 weights_sum",
        *NOT_READY,
    ),
)
async def put_breadth_weights(
    request: Request,
    response: Response,
    body: s.BreadthWeightsIn,
    caller: RiskManager,
    runs: Runs,
    expected: OptionalVersion,
    change: Changes,
) -> s.BreadthWeightsOut:
    def changed(work: UnitOfWork) -> RegimeSettings:
        wanted = replace(regime_settings(work), breadth_weights=dict(body.weights))
        return change(WantedRegimeSettings(wanted, expected), caller, work)

    settings = await runs.command(request, caller, changed)
    response.headers["ETag"] = f'"{settings.version}"'
    return present.weights_out(settings)

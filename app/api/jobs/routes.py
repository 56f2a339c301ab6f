"""Jobs: read, cancel, follow."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.dependencies import Reader, Runs, Trader, use
from app.api.idempotency import Once, OptionalKey, Presented
from app.api.jobs.accepted import read_result
from app.api.jobs.schemas import JobOut, job_out
from app.api.jobs.watch import JobWatch, closing
from app.api.paging import Listing, PageQuery
from app.api.routing import capability_router, refusals
from application.jobs.cancel import cancel_job as cancelled
from application.jobs.job import JobState
from application.jobs.queries import get_job as job_of
from application.jobs.queries import list_jobs as jobs_of
from application.jobs.signals import topic_of
from application.ports.bus import Bus
from application.ports.jobs import JobFiles, JobFilter

router = capability_router("jobs")
BusUsed = Annotated[Bus, Depends(use(Bus))]


@router.get(
    "/jobs",
    operation_id="list_jobs",
    summary="Jobs, newest first",
    responses=refusals("400 invalid_cursor"),
)
async def list_jobs(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Annotated[PageQuery, Depends()],
    kind: Annotated[str | None, Query(max_length=64)] = None,
    state: JobState | None = None,
) -> Listing[JobOut]:
    where = JobFilter(kind, state)
    newest_first = replace(paging.page, descending=True)
    found, total = await runs.query(
        request,
        caller,
        lambda work: (
            jobs_of(where, newest_first, work),
            work.jobs.count(where) if paging.wants_total else None,
        ),
    )
    items, following = paging.cut([(job.id, job_out(job)) for job in found], response)
    return Listing(items=items, next_cursor=following, total=total)


@router.get(
    "/jobs/{job_id}",
    operation_id="get_job",
    summary="One job with its progress",
    responses=refusals("404 job_not_found"),
)
async def get_job(request: Request, job_id: str, caller: Reader, runs: Runs) -> JobOut:
    return job_out(await runs.glance(request, caller, lambda work: job_of(job_id, work)))


@router.get(
    "/jobs/{job_id}/result",
    operation_id="get_job_result",
    summary="What a succeeded job computed; its shape depends on the kind",
    response_model=None,
    responses=refusals(
        "404 job_not_found",
        "404 job_result_missing",
        "409 job_not_finished",
        "409 job_has_no_result",
    )
    | {200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def get_job_result(
    request: Request,
    job_id: str,
    caller: Reader,
    runs: Runs,
    files: Annotated[JobFiles, Depends(use(JobFiles))],
) -> Response:
    body = await read_result(request, caller, job_id, runs, files)
    return Response(body, media_type="application/json")


@router.post(
    "/jobs/{job_id}/cancel",
    operation_id="cancel_job",
    summary="Stop a job: at once while it waits, within two seconds while it runs",
    response_model=JobOut,
    responses=refusals("404 job_not_found", "409 job_finished"),
)
async def cancel_job(
    request: Request,
    job_id: str,
    caller: Trader,
    key: OptionalKey,
    bus: BusUsed,
) -> Response:
    once: Once = request.app.state.once
    answer = await once(
        request,
        caller,
        key,
        lambda work: cancelled(job_id, work),
        lambda job: Presented(200, job_out(job)),
        parent=job_id,
    )
    bus.publish(topic_of(job_id), b"")
    return answer


@router.get(
    "/jobs/{job_id}/stream",
    operation_id="stream_job",
    summary="Server-sent events: `progress` while it moves, `end` with the whole job",
    response_class=StreamingResponse,
    response_model=None,
    responses=refusals("404 job_not_found")
    | {
        200: {
            "description": "Every connection begins with the present state, so nothing is missed "
            "after a reconnect. A comment is sent every 15 s of silence.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": "id: 1.3\nevent: progress\ndata: {…}\n\n",
                }
            },
        }
    },
)
async def stream_job(
    request: Request, job_id: str, caller: Reader, runs: Runs, bus: BusUsed
) -> StreamingResponse:
    watch = JobWatch(runs, bus, closing(request))
    await watch.read(request, caller, job_id)
    return StreamingResponse(
        watch.stream(request, caller, job_id),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )

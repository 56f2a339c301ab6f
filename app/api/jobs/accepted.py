"""The one answer to a request for long work: 202 and where to look, or the result if it is quick.

`Prefer: wait=N` waits up to N seconds (at most 30) and then answers 200 with the result itself.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request
from starlette.responses import Response

from app.api.dependencies import Dispatch, Runs, use
from app.api.idempotency import Once, Presented
from app.api.jobs.schemas import JobOut, job_out
from app.api.jobs.watch import JobWatch, closing
from app.api.wire import ExactJsonResponse
from application.context import Principal
from application.jobs.job import JobState
from application.jobs.queries import job_result
from application.jobs.submit import SubmittedJob
from application.ports.bus import Bus
from application.ports.jobs import JobFiles
from application.ports.unit_of_work import UnitOfWork

WAIT_S_MAX = 30.0
JOB_URL = "/api/v1/jobs/{job_id}"
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,6})(?:$|[,;\s])", re.ASCII)

ACCEPTED_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The result, when `Prefer: wait=N` was sent and it was ready in time."},
    202: {
        "model": JobOut,
        "description": "Queued; follow `Location`.",
        "headers": {"Location": {"schema": {"type": "string"}}},
    },
}


async def wait_preference(
    prefer: Annotated[
        str | None, Header(description="`wait=N`: answer with the result if ready in N ≤ 30 s.")
    ] = None,
) -> float:
    """Dependency: seconds the caller is ready to wait; preferences not understood are ignored."""
    found = None if prefer is None else _WAIT.search(prefer)
    return 0.0 if found is None else min(float(found.group(1)), WAIT_S_MAX)


Patience = Annotated[float, Depends(wait_preference)]


class Accepts:
    """Dependency of routes that submit jobs."""

    def __init__(
        self,
        request: Request,
        runs: Runs,
        bus: Annotated[Bus, Depends(use(Bus))],
        files: Annotated[JobFiles, Depends(use(JobFiles))],
        patience_s: Patience,
    ) -> None:
        self._request = request
        self._runs: Dispatch = runs
        self._files = files
        self._watch = JobWatch(runs, bus, closing(request))
        self._patience_s = patience_s

    async def __call__(
        self,
        caller: Principal,
        key: str | None,
        submit: Callable[[UnitOfWork], SubmittedJob],
    ) -> Response:
        """Submit once for the key; 202 with the job, or 200 with its result within the wait."""
        once: Once = self._request.app.state.once
        answer = await once(self._request, caller, key, submit, _presented)
        if answer.status_code >= 400:
            return answer
        job_id: str = orjson.loads(bytes(answer.body))["id"]
        answer.headers["Location"] = JOB_URL.format(job_id=job_id)
        if self._patience_s > 0:
            return await self._result_in_time(caller, job_id) or answer
        return answer

    async def _result_in_time(self, caller: Principal, job_id: str) -> Response | None:
        job = await self._watch.until_ended(self._request, caller, job_id, self._patience_s)
        headers = {
            "Location": JOB_URL.format(job_id=job_id),
            "Preference-Applied": f"wait={self._patience_s:.0f}",
        }
        if job.state is JobState.SUCCEEDED:
            body = await read_result(self._request, caller, job_id, self._runs, self._files)
            return Response(body, 200, headers, "application/json")
        if job.is_ended:
            return ExactJsonResponse(job_out(job), 202, headers)
        return None


async def read_result(
    request: Request, caller: Principal, job_id: str, runs: Dispatch, files: JobFiles
) -> bytes:
    """JSON of the result, read off the event loop."""
    return await runs.query(request, caller, lambda work: job_result(job_id, work, files)())


def _presented(submitted: SubmittedJob) -> Presented:
    return Presented(202, job_out(submitted.job, cached=submitted.cached))

"""The child of one job: limits itself, runs the kind's function, says how it went over the pipe."""

import multiprocessing
import resource
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path

from domain.shared.errors import Defect, Fault
from infrastructure.compute.child_context import (
    Assignment,
    ChildContext,
    ComputePlace,
    ProgressReporter,
)
from infrastructure.compute.dotted_path import function_at
from infrastructure.compute.job_files import JobFolder
from infrastructure.compute.json_text import decode_exact, encode
from infrastructure.compute.kinship import lead_group
from infrastructure.compute.memory_use import MEGABYTE, virtual_mb

RESULT_IN_ROW_BYTES_MAX = 64 * 1024
ADDRESS_SPACE_SLACK_MB = 4096
MESSAGE_LENGTH_MAX = 500


def pack(assignment: Assignment) -> bytes:
    """An assignment as bytes for `run_job`."""
    return encode(asdict(assignment))


def run_job(connection: Connection, packed: bytes) -> None:
    """Entry of the child process."""
    lead_group()
    # The daemon flag lets the service exit without waiting, but forbids the child its own pool.
    multiprocessing.current_process().daemon = False
    fields = decode_exact(packed)
    assignment = Assignment(**{**fields, "compute": ComputePlace(**fields["compute"])})
    reporter = ProgressReporter(lambda message: connection.send_bytes(encode(message)))
    connection.send_bytes(encode({"type": "started"}))
    _limit_address_space(assignment.memory_mb_max)
    context = ChildContext(assignment, reporter)
    outcome = _outcome(assignment, context)
    reporter.flush()
    connection.send_bytes(encode(outcome))
    connection.close()
    context.close()


def _outcome(assignment: Assignment, context: ChildContext) -> Mapping[str, object]:
    try:
        result = function_at(assignment.run)(assignment.spec, context)
        return _delivered(assignment, result)
    except Fault as fault:
        return _broken(fault.code, fault.message)
    except MemoryError:
        return _broken(
            "memory_exceeded", f"It needed more than {assignment.memory_mb_max} MiB of memory."
        )
    except Exception as error:  # noqa: BLE001 - job child: whatever the function raises ends its job
        message = f"{type(error).__name__}: {error}"[:MESSAGE_LENGTH_MAX]
        return _broken("job_failed", message, traceback.format_exc())


def _delivered(assignment: Assignment, result: object) -> Mapping[str, object]:
    if not isinstance(result, Mapping):
        raise Defect("job_result_invalid", "The result of a job is a JSON object.")
    try:
        data = encode(result)
    except TypeError as error:
        raise Defect("job_result_invalid", f"The result of a job is JSON: {error}.") from None
    if len(data) <= RESULT_IN_ROW_BYTES_MAX:
        return {"type": "result", "text": data.decode()}
    JobFolder(Path(assignment.data_dir)).write_result(assignment.job_id, data)
    return {"type": "result", "text": None}


def _broken(code: str, message: str, trace: str | None = None) -> Mapping[str, object]:
    return {"type": "error", "code": code, "message": message, "trace": trace}


def _limit_address_space(memory_mb_max: int) -> None:
    """Refuse one huge allocation outright; what is really used is watched from outside.

    Libraries reserve far more address space than they use, hence the slack.
    """
    virtual = virtual_mb()
    if virtual is None:
        return
    limit = int((virtual + memory_mb_max + ADDRESS_SPACE_SLACK_MB) * MEGABYTE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))

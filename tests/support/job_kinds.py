"""Small job functions that behave well and badly, run in real children by the tests."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from application.jobs.kinds import JobKind, JobKinds
from application.ports.jobs import JobContext
from domain.shared.errors import RuleRefused

Spec = Mapping[str, Any]


def _note(spec: Spec, text: str) -> None:
    """Append a line to the file the test looks at: one write, so lines never mix."""
    with Path(spec["trace"]).open("a") as trace:
        trace.write(f"{text}\n")


def add_up(spec: Spec, context: JobContext) -> dict[str, Any]:
    """Sum of `numbers`, with a report per number."""
    numbers = spec["numbers"]
    for done, _ in enumerate(numbers, start=1):
        context.report_progress(done, len(numbers), "number", f"added {done}")
    total = sum((Decimal(n) for n in numbers), Decimal(0))
    return {"total": total, "pid": os.getpid(), "seed": context.seed}


def trace(spec: Spec, context: JobContext) -> dict[str, Any]:
    """Write down that it ran, then take `seconds`."""
    _note(spec, f"{context.job_id} {context.attempt}")
    time.sleep(float(spec.get("seconds", 0)))
    return {"attempt": context.attempt}


def steps(spec: Spec, context: JobContext) -> dict[str, Any]:
    """Report each of `count` steps, `seconds` apart, once the file `gate` is there."""
    while not Path(spec["gate"]).exists():
        time.sleep(0.005)
    for done in range(1, int(spec["count"]) + 1):
        context.report_progress(done, int(spec["count"]), "step")
        time.sleep(float(spec["seconds"]))
    return {"steps": int(spec["count"])}


def wait_long(spec: Spec, context: JobContext) -> dict[str, Any]:
    """Say its pid and sleep until it is stopped."""
    _note(spec, f"{os.getpid()} {context.attempt}")
    context.report_progress(1, 10, "step", "sleeping")
    (context.scratch_dir / "kept.txt").write_text("work in progress")
    time.sleep(60)
    return {}


def wait_on_first_attempt(spec: Spec, context: JobContext) -> dict[str, Any]:
    """Sleep in the first attempt, finish in the second."""
    return wait_long(spec, context) if context.attempt == 1 else {"attempt": context.attempt}


def fan_out_and_wait(spec: Spec, context: JobContext) -> dict[str, Any]:
    """Occupy a pool worker that says its pid; the parent waits for it."""
    _note(spec, f"{os.getpid()} parent")
    chunk = {"trace": spec["trace"]}
    list(context.compute.map("tests.support.job_kinds.occupy", [chunk]))
    return {}


def occupy(chunk: Spec, _seed: object) -> int:
    """A chunk that never ends by itself."""
    _note(chunk, f"{os.getpid()} worker")
    time.sleep(60)
    return 0


def eat_memory(spec: Spec, _context: JobContext) -> dict[str, Any]:
    """Touch `megabytes` of memory in steps, then hold them."""
    held = []
    for _ in range(int(spec["megabytes"]) // 10):
        held.append(np.ones(10 * 131072))
        time.sleep(0.005)
    time.sleep(20)
    return {"held": len(held)}


def one_huge_allocation(_spec: Spec, _context: JobContext) -> dict[str, Any]:
    """Ask for a terabyte at once."""
    return {"length": len(bytearray(2**40))}


def die_by_signal(_spec: Spec, _context: JobContext) -> dict[str, Any]:
    """A crash as native code makes it."""
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(10)
    return {}


def leave_early(_spec: Spec, _context: JobContext) -> dict[str, Any]:
    """End the process without a result."""
    sys.exit(3)


def refuse(_spec: Spec, _context: JobContext) -> dict[str, Any]:
    """A business no."""
    raise RuleRefused("data_too_short", "Only 3 bars; 30 are needed.")


def divide_by_zero(_spec: Spec, _context: JobContext) -> dict[str, Any]:
    """A bug."""
    return {"ratio": 1 // 0}


def not_json(_spec: Spec, _context: JobContext) -> dict[str, Any]:
    """A result that JSON cannot hold."""
    return {"object": object()}


def large_result(spec: Spec, _context: JobContext) -> dict[str, Any]:
    """More than fits a row."""
    return {"values": np.arange(int(spec["length"]), dtype=np.float64)}


def grid(spec: Spec, context: JobContext) -> dict[str, Any]:
    """Chunks one after another; a chunk says that it was computed."""
    chunks = [{"trace": spec["trace"], "index": i} for i in range(int(spec["chunks"]))]
    draws = []
    for draw in context.map_chunks("tests.support.job_kinds.draw_slowly", chunks):
        draws.append(draw)
        context.report_progress(len(draws), len(chunks), "chunk")
        if context.attempt == 1 and len(draws) == spec.get("stop_at"):
            _note(spec, "stopped")
            time.sleep(60)
    return {"draws": draws}


def draw_slowly(chunk: Spec, seed: Any) -> float:
    """A random number that depends on the seed alone."""
    _note(chunk, f"chunk {chunk['index']}")
    return float(np.random.default_rng(seed).random())


def square(chunk: Spec, _seed: object) -> int:
    """n²."""
    n: int = chunk["n"]
    return n * n


def square_late_first(chunk: Spec, _seed: object) -> int:
    """n², the first chunks taking longest."""
    time.sleep(0.05 / (1 + chunk["n"]))
    return square(chunk, _seed)


def draw(_chunk: Spec, seed: Any) -> list[float]:
    """Three random numbers, or nothing without a seed."""
    return [] if seed is None else [float(x) for x in np.random.default_rng(seed).random(3)]


def fail_at_two(chunk: Spec, _seed: object) -> int:
    """A bug in the third chunk."""
    return 1 // (int(chunk["n"]) - 2)


def refuse_at_two(chunk: Spec, _seed: object) -> int:
    """A fault in the third chunk."""
    if chunk["n"] == 2:
        raise RuleRefused("too_many", "Two is too many.", context={"n": 2})
    return 0


def note_chunk(chunk: Spec, _seed: object) -> int:
    """Say that it ran."""
    _note(chunk, str(chunk["n"]))
    time.sleep(0.02)
    return int(chunk["n"])


def kill_worker(_chunk: Spec, _seed: object) -> int:
    """Take the worker down."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def _kind(name: str, **options: Any) -> JobKind:
    run = f"tests.support.job_kinds.{options.pop('function', name)}"
    return JobKind(name, run, engine_version="1", **options)


def all_kinds() -> JobKinds:
    """A registry of everything above."""
    return JobKinds(
        [
            _kind("add_up", is_pure=True),
            _kind("trace"),
            _kind("steps"),
            _kind("wait_long"),
            _kind("wait_long_pure", function="wait_long", is_pure=True),
            _kind("wait_on_first_attempt", is_pure=True),
            _kind("fan_out_and_wait"),
            _kind("eat_memory", memory_mb_max=100),
            _kind("one_huge_allocation"),
            _kind("die_by_signal"),
            _kind("leave_early"),
            _kind("refuse"),
            _kind("divide_by_zero"),
            _kind("not_json"),
            _kind("large_result"),
            _kind("grid", is_resumable=True),
        ]
    )

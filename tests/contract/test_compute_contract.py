"""Every compute adapter gives the same results, in order, and the same faults."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from numpy.random import SeedSequence, default_rng

from application.ports.compute import Compute, chunks_of
from domain.shared.errors import Defect, RuleRefused, Unavailable
from infrastructure.compute.dask_cluster import DaskCluster
from infrastructure.compute.local_pool import LocalPool
from tests.support.job_service import lines_of

KINDS = "tests.support.job_kinds"


@pytest.fixture(scope="module", params=["local_1", "local_2", "dask"])
def compute(request: pytest.FixtureRequest) -> Iterator[Compute]:
    if request.param != "dask":
        pool = LocalPool(workers=int(request.param[-1]))
        yield pool
        pool.close()
        return
    distributed = pytest.importorskip("distributed", reason="the dask extra is not installed")
    options: dict[str, Any] = {"processes": False, "dashboard_address": None}
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, **options) as cluster:
        dask = DaskCluster(cluster.scheduler_address)
        yield dask
        dask.close()


def numbers(count: int) -> list[dict[str, object]]:
    return [{"n": n} for n in range(count)]


def test_results_come_in_chunk_order_whatever_finishes_first(compute: Compute) -> None:
    squares = list(compute.map(f"{KINDS}.square_late_first", numbers(12)))
    assert squares == [n * n for n in range(12)]


def test_no_chunks_give_no_results(compute: Compute) -> None:
    assert list(compute.map(f"{KINDS}.square", [])) == []


def test_equal_chunks_are_each_computed(compute: Compute) -> None:
    draws = cast("list[list[float]]", list(compute.map(f"{KINDS}.draw", [{}, {}], seed=1)))
    assert draws[0] != draws[1]


def test_a_chunk_draws_from_the_seed_spawned_for_its_index(compute: Compute) -> None:
    expected = [[float(x) for x in default_rng(s).random(3)] for s in SeedSequence(9).spawn(5)]
    assert list(compute.map(f"{KINDS}.draw", numbers(5), seed=9)) == expected
    rest = compute.map(f"{KINDS}.draw", numbers(5)[3:], seed=9, first_index=3)
    assert list(rest) == expected[3:]


def test_without_a_seed_a_chunk_gets_none(compute: Compute) -> None:
    assert list(compute.map(f"{KINDS}.draw", numbers(2))) == [[], []]


def test_a_fault_of_a_chunk_reaches_the_caller_after_the_results_before_it(
    compute: Compute,
) -> None:
    results = compute.map(f"{KINDS}.refuse_at_two", numbers(5))
    assert [next(results), next(results)] == [0, 0]
    with pytest.raises(RuleRefused) as refused:
        next(results)
    assert (refused.value.code, refused.value.context) == ("too_many", {"n": 2})
    assert refused.value.message == "Two is too many."


def test_any_other_exception_of_a_chunk_is_a_defect_that_names_it(compute: Compute) -> None:
    with pytest.raises(Defect) as failed:
        list(compute.map(f"{KINDS}.fail_at_two", numbers(5)))
    assert failed.value.code == "chunk_failed"
    assert failed.value.context == {"fn": f"{KINDS}.fail_at_two", "index": 2}
    assert "ZeroDivisionError" in failed.value.message


def test_an_unknown_function_is_a_defect(compute: Compute) -> None:
    with pytest.raises(Defect) as failed:
        list(compute.map(f"{KINDS}.nowhere", numbers(1)))
    assert failed.value.code == "function_not_found"


def test_closing_the_iterator_leaves_the_chunks_that_wait_undone(
    compute: Compute, tmp_path: Path
) -> None:
    chunks = [{"n": n, "trace": str(tmp_path / "trace")} for n in range(200)]
    with closing(cast("Any", compute.map(f"{KINDS}.note_chunk", chunks))) as results:
        assert next(results) == 0
    assert list(compute.map(f"{KINDS}.square", numbers(3))) == [0, 1, 4]
    assert len(lines_of(tmp_path / "trace")) < 50


def test_two_maps_at_once_do_not_mix(compute: Compute) -> None:
    one = compute.map(f"{KINDS}.square", numbers(6))
    other = compute.map(f"{KINDS}.draw", numbers(6), seed=3)
    drawn = list(compute.map(f"{KINDS}.draw", numbers(6), seed=3))
    pairs = list(zip(one, other, strict=True))
    assert [square for square, _ in pairs] == [0, 1, 4, 9, 16, 25]
    assert [values for _, values in pairs] == drawn


def test_a_killed_worker_is_unavailable_and_the_next_map_works() -> None:
    pool = LocalPool(workers=1)
    with pytest.raises(Unavailable) as lost:
        list(pool.map(f"{KINDS}.kill_worker", numbers(1)))
    assert lost.value.code == "compute_lost"
    assert list(pool.map(f"{KINDS}.square", numbers(3))) == [0, 1, 4]
    pool.close()


@pytest.mark.parametrize("compute_at", ["closed_pool", "absent_scheduler"])
def test_compute_that_is_not_there_is_unavailable(
    compute_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.compute.dask_cluster.CONNECT_TIMEOUT_S", 0.2)
    compute: Compute = DaskCluster("tcp://127.0.0.1:1")
    if compute_at == "closed_pool":
        compute = LocalPool(workers=1)
        compute.close()
    with pytest.raises(Unavailable) as lost:
        list(compute.map(f"{KINDS}.square", numbers(1)))
    assert lost.value.code == "compute_lost"


@pytest.mark.parametrize(("total", "size_max"), [(0, 5), (1, 5), (5, 5), (6, 5), (101, 7)])
def test_ranges_cover_the_work_once_and_are_even(total: int, size_max: int) -> None:
    ranges = list(chunks_of(total, size_max))
    assert [n for start, end in ranges for n in range(start, end)] == list(range(total))
    sizes = [end - start for start, end in ranges]
    assert max(sizes, default=0) <= size_max
    assert max(sizes, default=0) - min(sizes, default=0) <= 1

"""Prometheus metrics of one process; counting a request costs well under a microsecond.

Requests are counted in plain lists by the event loop's thread and turned into metric families only
when somebody scrapes; everything else is read from its owner at that moment.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from domain.shared.errors import Unavailable

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Readings = Callable[[], Mapping[str, float]]


class RequestTimes(Collector):
    """Requests by method, route template and status; latency by method and template.

    `observe` is called from one thread; scraping from another sees whole integers.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self._count: dict[tuple[str, str, int], int] = {}
        self._buckets: dict[tuple[str, str], list[int]] = {}
        self._sum_s: dict[tuple[str, str], float] = {}

    def observe(self, method: str, template: str, status: int, duration_s: float) -> None:
        """Count one answered request."""
        key = (method, template, status)
        self._count[key] = self._count.get(key, 0) + 1
        route = (method, template)
        buckets = self._buckets.get(route)
        if buckets is None:
            buckets = self._buckets[route] = [0] * (len(BUCKETS_S) + 1)
            self._sum_s[route] = 0.0
        buckets[bisect_left(BUCKETS_S, duration_s)] += 1
        self._sum_s[route] += duration_s

    def total(self, *, status_from: int = 0) -> int:
        """Requests answered with at least that status."""
        return sum(n for (_, _, status), n in list(self._count.items()) if status >= status_from)

    def quantile_s(self, share: float) -> float | None:
        """Upper bound of the bucket that holds the share of all requests; null without requests."""
        totals = [sum(column) for column in zip(*list(self._buckets.values()), strict=True)]
        wanted = share * sum(totals)
        if not totals or wanted == 0:
            return None
        seen = 0
        for bound, n in zip((*BUCKETS_S, BUCKETS_S[-1]), totals, strict=True):
            seen += n
            if seen >= wanted:
                return bound
        return BUCKETS_S[-1]

    def collect(self) -> Iterator[Metric]:
        """Families for a scrape."""
        requests = CounterMetricFamily(
            "ballast_http_requests", "Requests answered.", labels=("method", "template", "status")
        )
        for (method, template, status), n in list(self._count.items()):
            requests.add_metric((method, template, str(status)), n)
        yield requests
        latency = HistogramMetricFamily(
            "ballast_http_request_seconds", "Time to answer.", labels=("method", "template")
        )
        for route, buckets in list(self._buckets.items()):
            latency.add_metric(route, _cumulative(buckets), self._sum_s[route])
        yield latency
        yield GaugeMetricFamily(
            "ballast_http_in_flight", "Requests being answered.", value=self.in_flight
        )


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    running, rows = 0, []
    for bound, n in zip((*map(str, BUCKETS_S), "+Inf"), buckets, strict=True):
        running += n
        rows.append((bound, float(running)))
    return rows


class WriterStatistics(Protocol):
    """Counters of the store's writer."""

    batches: int
    commands: int
    largest_batch: int


class Writer(Protocol):
    """The part of the writer that is measured."""

    @property
    def statistics(self) -> WriterStatistics: ...
    @property
    def depth(self) -> int: ...


class _WriterCollector(Collector):
    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def collect(self) -> Iterator[Metric]:
        counters = self._writer.statistics
        yield GaugeMetricFamily(
            "ballast_writer_queue_depth", "Commands waiting.", value=self._writer.depth
        )
        yield CounterMetricFamily(
            "ballast_writer_batches", "Transactions committed.", value=counters.batches
        )
        yield CounterMetricFamily(
            "ballast_writer_commands", "Commands in them.", value=counters.commands
        )
        yield GaugeMetricFamily(
            "ballast_writer_batch_largest", "Most commands in one.", value=counters.largest_batch
        )


class _GaugeCollector(Collector):
    def __init__(self, name: str, text: str, label: str | None, read: Readings) -> None:
        self._name, self._text, self._label, self._read = name, text, label, read

    def describe(self) -> Iterator[Metric]:
        """Registration must not read: the owner may not have started yet."""
        yield GaugeMetricFamily(self._name, self._text)

    def collect(self) -> Iterator[Metric]:
        labels = (self._label,) if self._label else ()
        family = GaugeMetricFamily(self._name, self._text, labels=labels)
        try:
            readings = self._read()
        except Unavailable:
            # An outage is when the other metrics are wanted most.
            return
        for label, value in readings.items():
            family.add_metric((label,) if self._label else (), value)
        yield family


class Metrics:
    """The service's registry; the container says what there is to watch."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = RequestTimes()
        self.started_monotonic_s = time.monotonic()
        self._writer: Writer | None = None
        self._gauges: dict[str, Readings] = {}
        self.registry.register(self.requests)
        self.registry.register(ProcessCollector(namespace="ballast", registry=None))

    def watch_writer(self, writer: Writer) -> None:
        """Measure the store's writer."""
        self._writer = writer
        self.registry.register(_WriterCollector(writer))

    def gauge(self, name: str, text: str, read: Readings, *, label: str | None = None) -> None:
        """Read a gauge at each scrape: value by label value, or one entry without a label.

        `name` is without the prefix `ballast_`. `read` runs on a worker thread and may query.
        """
        self._gauges[name] = read
        self.registry.register(_GaugeCollector(f"ballast_{name}", text, label, read))

    def text(self) -> bytes:
        """Exposition format for a scrape; runs every reading, so call it off the event loop."""
        return generate_latest(self.registry)

    def digest(self) -> dict[str, Any]:
        """The few numbers a person asks for first."""
        writer = self._writer
        counters = writer.statistics if writer else None
        return {
            "uptime_s": round(time.monotonic() - self.started_monotonic_s, 3),
            "requests_total": self.requests.total(),
            "requests_failed_total": self.requests.total(status_from=500),
            "requests_in_flight": self.requests.in_flight,
            "latency_p50_s": self.requests.quantile_s(0.5),
            "latency_p99_s": self.requests.quantile_s(0.99),
            "writer_queue_depth": writer.depth if writer else 0,
            "writer_batches_total": counters.batches if counters else 0,
            "writer_commands_total": counters.commands if counters else 0,
            "readings": {name: dict(read()) for name, read in self._gauges.items()},
        }

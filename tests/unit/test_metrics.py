"""Counters read back as Prometheus families and as a digest."""

from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.metrics import Metrics, RequestTimes
from domain.shared.errors import Unavailable


def _samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_counted_by_template_and_status() -> None:
    metrics = Metrics()
    for status in (200, 200, 404):
        metrics.requests.observe("GET", "/v1/x/{id}", status, 0.003)
    samples = _samples(metrics)
    labels = (("method", "GET"), ("status", "200"), ("template", "/v1/x/{id}"))
    assert samples["ballast_http_requests_total", labels] == 2
    route = (("method", "GET"), ("template", "/v1/x/{id}"))
    assert samples["ballast_http_request_seconds_count", route] == 3
    assert samples["ballast_http_request_seconds_sum", route] == pytest.approx(0.009)
    at_5_ms = (("le", "0.005"), *route)
    at_1_ms = (("le", "0.001"), *route)
    assert samples["ballast_http_request_seconds_bucket", at_5_ms] == 3
    assert samples["ballast_http_request_seconds_bucket", at_1_ms] == 0


def test_quantiles_are_bucket_bounds_and_null_without_requests() -> None:
    times = RequestTimes()
    assert times.quantile_s(0.5) is None
    for duration_s in (0.0004, 0.0004, 0.0004, 3.0):
        times.observe("GET", "/x", 200, duration_s)
    assert times.quantile_s(0.5) == 0.001
    assert times.quantile_s(0.99) == 5.0
    times.observe("GET", "/y", 500, 60.0)
    assert times.quantile_s(1.0) == 10.0


def test_the_writer_and_registered_gauges_are_read_at_the_scrape() -> None:
    metrics = Metrics()
    counters = SimpleNamespace(batches=3, commands=9, largest_batch=5)
    metrics.watch_writer(SimpleNamespace(statistics=counters, depth=2))
    lags = {"stream": 4.0}
    metrics.gauge("event_lag", "Events behind.", lambda: lags, label="consumer")
    metrics.gauge("equity", "Equity.", lambda: {"": 12.5})
    lags["notifier"] = 7.0
    counters.commands = 10
    samples = _samples(metrics)
    assert samples["ballast_writer_queue_depth", ()] == 2
    assert samples["ballast_writer_commands_total", ()] == 10
    assert samples["ballast_event_lag", (("consumer", "notifier"),)] == 7
    assert samples["ballast_equity", ()] == 12.5


def test_registering_a_gauge_does_not_read_it() -> None:
    def unready() -> dict[str, float]:
        raise AssertionError("read before the scrape")

    Metrics().gauge("early", "Early.", unready)


def test_two_registries_do_not_share_counts() -> None:
    one, other = Metrics(), Metrics()
    one.requests.observe("GET", "/x", 200, 0.1)
    assert other.requests.total() == 0


def test_the_digest_holds_what_the_scrape_holds() -> None:
    metrics = Metrics()
    metrics.watch_writer(
        SimpleNamespace(statistics=SimpleNamespace(batches=3, commands=9, largest_batch=5), depth=1)
    )
    metrics.gauge("job_states", "Jobs.", lambda: {"running": 1.0}, label="state")
    metrics.requests.observe("GET", "/x", 503, 0.1)
    digest = metrics.digest()
    assert (digest["requests_total"], digest["requests_failed_total"]) == (1, 1)
    assert (digest["writer_batches_total"], digest["writer_queue_depth"]) == (3, 1)
    assert digest["readings"] == {"job_states": {"running": 1.0}}


def test_a_reading_that_is_not_to_be_had_leaves_the_others() -> None:
    metrics = Metrics()

    def lost() -> dict[str, float]:
        raise Unavailable("store_unavailable", "The store did not answer.")

    metrics.gauge("jobs", "Jobs by state.", lost, label="state")
    metrics.gauge("open_streams", "Streams.", lambda: {"": 2.0})
    samples = _samples(metrics)
    assert samples["ballast_open_streams", ()] == 2
    assert not [name for name, _ in samples if name == "ballast_jobs"]

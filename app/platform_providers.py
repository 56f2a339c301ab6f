"""Providers of messaging, jobs and operations: in-process adapters, or Redis where it is
configured.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from urllib.parse import unquote, urlsplit

from dishka import Provider, Scope, provide

from app import __version__
from app.health import (
    AliveProbe,
    BackendProbe,
    ConsumersProbe,
    CoverageProbe,
    DiskProbe,
    HealthBoard,
    Readiness,
    StoreProbe,
)
from app.identity_provider import service_secret
from app.logging import Logs, configure_logging
from app.metrics import Metrics
from app.operations import Operations, ServiceFacts
from app.settings import Settings
from application.jobs.kinds import JobKinds
from application.jobs.submit import SubmitJobHandler
from application.market.job_kinds import MARKET_JOB_KINDS
from application.ports.bus import Bus
from application.ports.cache import Cache
from application.ports.calendars import CalendarTables
from application.ports.ids import Ids
from application.ports.jobs import JobFiles
from application.ports.lease import Lease
from application.ports.rate_limiter import RateLimiter
from application.ports.unit_of_work import Store
from domain.shared.errors import NotFound
from infrastructure.compute.child_context import ComputePlace
from infrastructure.compute.job_files import JobFolder
from infrastructure.compute.launcher import JobSurroundings
from infrastructure.compute.supervisor import JobSupervisor, SupervisorLimits
from infrastructure.messaging.in_process_bus import InProcessBus
from infrastructure.messaging.in_process_cache import InProcessCache
from infrastructure.messaging.in_process_lease import InProcessLease
from infrastructure.messaging.in_process_rate_limiter import InProcessRateLimiter
from infrastructure.persistence.migrate import head
from infrastructure.persistence.observations import StoreReadings
from infrastructure.persistence.store import SqlStore

REDIS_PREFIX = "ballast:"


class Messaging(Provider):
    """Bus, cache, rate limits, leases."""

    scope = Scope.APP

    # Redis is imported only where it is configured, so that a single process starts without it.
    @provide
    def bus(self, settings: Settings) -> Bus:
        if not settings.redis_url:
            return InProcessBus()
        from infrastructure.messaging.redis_bus import RedisBus  # noqa: PLC0415

        return RedisBus(settings.redis_url, prefix=REDIS_PREFIX)

    @provide
    def cache(self, settings: Settings) -> Cache:
        if not settings.redis_url:
            return InProcessCache()
        from infrastructure.messaging.redis_cache import RedisCache  # noqa: PLC0415

        return RedisCache(settings.redis_url, prefix=REDIS_PREFIX)

    @provide
    def rate_limiter(self, settings: Settings) -> RateLimiter:
        if not settings.redis_url:
            return InProcessRateLimiter()
        from infrastructure.messaging.redis_rate_limiter import RedisRateLimiter  # noqa: PLC0415

        return RedisRateLimiter(settings.redis_url, prefix=REDIS_PREFIX)

    @provide
    def lease(self, settings: Settings) -> Lease:
        if not settings.redis_url:
            return InProcessLease()
        from infrastructure.messaging.redis_lease import RedisLease  # noqa: PLC0415

        return RedisLease(settings.redis_url, prefix=REDIS_PREFIX)


class Work(Provider):
    """Jobs and where they run."""

    scope = Scope.APP

    @provide
    def kinds(self) -> JobKinds:
        return JobKinds(MARKET_JOB_KINDS)

    @provide
    def files(self, settings: Settings) -> JobFiles:
        return JobFolder(settings.data_dir)

    @provide
    def submit(self, ids: Ids, kinds: JobKinds, settings: Settings) -> SubmitJobHandler:
        return SubmitJobHandler(ids, kinds, queued_max=settings.jobs_queued_max)

    @provide
    def supervisor(
        self, store: Store, bus: Bus, kinds: JobKinds, settings: Settings
    ) -> JobSupervisor:
        place = ComputePlace(dask_scheduler=settings.dask_scheduler or None)
        surroundings = JobSurroundings(settings.data_dir, settings.database_address, place)
        limits = SupervisorLimits(concurrent_max=settings.jobs_concurrent)
        return JobSupervisor(store, bus, kinds, surroundings, limits=limits)


class Watching(Provider):
    """Logs, metrics, health."""

    scope = Scope.APP

    @provide
    def logs(self, settings: Settings) -> Logs:
        return configure_logging(settings.log_level, settings.log_format)

    @provide
    def metrics(self) -> Metrics:
        return Metrics()

    @provide
    def facts(self, settings: Settings, store: SqlStore) -> ServiceFacts:
        return ServiceFacts(
            name="ballast",
            version=__version__,
            database=store.database.url.get_backend_name(),
            schema_revision=head(),
            messaging="redis" if settings.redis_url else "in_process",
            compute="dask" if settings.dask_scheduler else "local",
            auth=settings.auth,
            trusts_loopback=not settings.behind_tls_proxy,
        )

    @provide
    def operations(
        self,
        facts: ServiceFacts,
        metrics: Metrics,
        logs: Logs,
        store: SqlStore,
        settings: Settings,
        limiter: RateLimiter,
        supervisor: JobSupervisor,
        calendars: CalendarTables,
    ) -> Operations:
        logs.redactor.remember(*known_secrets(settings))
        readings = StoreReadings(store.database)
        board = HealthBoard()
        board.add(
            StoreProbe(store, readings, store.writer),
            DiskProbe(settings.data_dir),
            BackendProbe("rate_limits", limiter.health),
            AliveProbe("jobs", lambda: supervisor.is_alive or not settings.run_jobs),
            ConsumersProbe(readings),
            CoverageProbe("calendar_xnys", lambda: _last_session(calendars)),
        )
        metrics.watch_writer(store.writer)
        metrics.gauge("jobs", "Jobs by state.", readings.job_states, label="state")
        metrics.gauge(
            "event_lag", "Events a consumer is behind.", readings.consumer_lags, label="consumer"
        )
        metrics.gauge(
            "equity",
            "Equity of the newest recorded mark, in the account's currency.",
            readings.equity_by_account,
            label="account",
        )
        return Operations(facts, board, Readiness(), metrics, logs)


def known_secrets(settings: Settings) -> Iterator[str]:
    """Texts that may stand in no log, wherever they come from: the secret and every password."""
    yield service_secret(settings).decode("utf-8", "replace")
    if settings.owner_password_file is not None:
        yield settings.owner_password_file.read_text().strip()
    for address in (settings.database_url, settings.redis_url):
        password = urlsplit(address).password
        if password:
            yield password
            yield unquote(password)


def _last_session(calendars: CalendarTables) -> datetime | None:
    try:
        last = calendars.calendar("XNYS").last_day
    except NotFound:
        return None
    return datetime.combine(last, time(), tzinfo=UTC)

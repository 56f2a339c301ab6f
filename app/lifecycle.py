"""Start-up and shut-down, in order: nothing answers before the store is sound, nothing is lost
after.

Start: refuse an unsafe bind → migrate → owner and main account → configuration → processes →
ready. The bundled series are loaded by a child process the first time; readiness waits for it,
liveness does not.
"""

import logging
import sys
from dataclasses import dataclass

from dishka import Container
from fastapi import FastAPI

from app.api.authentication import Authentication
from app.api.budgets import Budgets
from app.api.dependencies import Dispatch
from app.api.idempotency import Once
from app.api.paging import Cursors
from app.configuration_start import adopt_configuration, start_sources
from app.guards import BindFacts, require_safe_bind
from app.identity_provider import service_secret
from app.market_data_start import MarketDataLoad
from app.operations import Operations
from app.process_providers import BookProcesses
from app.reporting import ReportDesk
from app.settings import Settings
from app.stream.event_hub import EventHub
from application.context import SYSTEM, RequestContext
from application.identity.bootstrap import CreateOwner, FirstStart
from application.identity.password_rules import require_strong
from application.identity.user import OWNER_USERNAME
from application.portfolio.accounts import MAIN, OpenAccount
from application.ports.candles import CandleReader
from application.ports.rate_limiter import RateLimiter
from application.ports.unit_of_work import Store, UnitOfWork
from application.processes.event_pump import EventPump
from application.processes.plan_runner_switch import forget_last_start
from application.simulation.open_runs import OpenSimulation
from application.simulation.runs import ResumeSimulation
from domain.shared.errors import Fault, Invalid, NotFound
from infrastructure.compute.supervisor import JobSupervisor
from infrastructure.persistence.engine import Database
from infrastructure.persistence.migrate import migrate
from infrastructure.persistence.store import SqlStore
from infrastructure.security.service_secret import OWNER_TOKEN_FILE, KeyRing, write_private

_STARTING = ("system", "req_first_start")
log = logging.getLogger("ballast.lifecycle")


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Brings one process up and down around the application."""

    app: FastAPI
    settings: Settings
    container: Container

    def start(self) -> None:
        """Everything a request may need; raises instead of starting unsafe or unsound."""
        settings, container = self.settings, self.container
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_safe_bind(bind_facts(settings))
        database = container.get(Database)
        migrate(database, settings.data_dir, is_backed_up=settings.migrate_without_backup)
        self._first_start(container)
        adopt_configuration(start_sources(settings), container.get(Store), settings.data_dir)
        state = self.app.state
        state.dispatch = Dispatch(container.get(Store), reads_inline=database.is_sqlite)
        state.once = Once(state.dispatch)
        state.cursors = Cursors(container.get(KeyRing).key("cursors"))
        state.authenticate = container.get(Authentication)
        state.spend = Budgets(container.get(RateLimiter), settings).spend
        operations = container.get(Operations)
        state.operations = operations
        state.event_hub = container.get(EventHub)
        container.get(EventPump).start()
        processes = container.get(BookProcesses)
        operations.board.add(*processes.probes())
        processes.start()
        if settings.run_jobs:
            container.get(JobSupervisor).start()
        state.market_data_load = MarketDataLoad(settings, operations.readiness)
        state.market_data_load.start(container.get(CandleReader))
        operations.readiness.clear("starting")

    def stop(self) -> None:
        """Hand back jobs, finish queued commands, close connections."""
        self.container.get(EventHub).close()
        self.app.state.market_data_load.stop()
        if self.settings.run_jobs:
            self.container.get(JobSupervisor).close()
        self.container.get(BookProcesses).stop()
        self._report()
        self.container.get(EventPump).stop()
        self.container.get(SqlStore).close()
        self.container.close()

    def _report(self) -> None:
        """What was true at the end; a failure must not keep the service from stopping."""
        desk = self.container.get(ReportDesk)
        try:
            founder = self.container.get(Store).query(lambda work: work.users.founder(), SYSTEM)
            if founder is not None:
                context = RequestContext(founder.owner_id, "system", "req_shutdown")
                desk.export_here(context)
        except (Fault, OSError) as error:
            log.warning("no report was written at shutdown: %s", type(error).__name__)
        finally:
            desk.close()

    def _first_start(self, container: Container) -> None:
        store = container.get(Store)
        password = owner_password(self.settings)
        first = container.get(CreateOwner)(password, self._keep_token)
        if first is not None:
            self._introduce(first)
        founder = store.query(lambda work: work.users.founder(), SYSTEM)
        if founder is None:
            raise NotFound("owner_not_found", "The store has no owner.")
        context = RequestContext(founder.owner_id, founder.id, _STARTING[1])
        open_account = container.get(OpenAccount)
        store.command(lambda work: _with_main_account(open_account, work), context).result()
        store.command(container.get(OpenSimulation), context).result()
        if self.settings.workers == 1:
            # Of several processes the parent has done it: one of them may start while others work.
            starting = RequestContext(founder.owner_id, *_STARTING)
            store.command(forget_last_start, starting).result()
            store.command(container.get(ResumeSimulation), starting).result()

    def _keep_token(self, token: str) -> None:
        write_private(self.settings.data_dir / OWNER_TOKEN_FILE, token, replace=True)

    def _introduce(self, first: FirstStart) -> None:
        token_file = self.settings.data_dir / OWNER_TOKEN_FILE
        lines = [f"Created the account '{first.username}'."]
        if first.password is not None:
            lines.append(f"  Password (shown once): {first.password}")
        lines.append(f"  API token (also in {token_file}): {first.api_token}")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


def _with_main_account(open_account: OpenAccount, work: UnitOfWork) -> None:
    try:
        work.accounts.main()
    except NotFound:
        open_account(MAIN, work)


def owner_password(settings: Settings) -> str | None:
    """The preset one; Invalid `weak_password`, OSError when its file cannot be read."""
    preset = settings.owner_password_file
    if preset is None:
        return None
    try:
        password = preset.read_text(encoding="utf-8").strip()
        require_strong(password, OWNER_USERNAME, pointer="/owner_password_file")
    except UnicodeDecodeError:
        raise Invalid("weak_password", f"{preset} is not a text in UTF-8.") from None
    except Invalid as refusal:
        raise Invalid(refusal.code, f"{preset}: {refusal.message}") from None
    return password


def bind_facts(settings: Settings) -> BindFacts:
    """What decides whether this configuration may listen."""
    cert, key = settings.tls_cert_file, settings.tls_key_file
    return BindFacts(
        host=settings.host,
        auth_on=settings.auth == "on",
        secret=service_secret(settings),
        tls_cert_file=str(cert) if cert else None,
        tls_key_file=str(key) if key else None,
        behind_tls_proxy=settings.behind_tls_proxy,
    )

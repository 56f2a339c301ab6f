"""Reports: what is true now is read here, the file is built by a worker.

The worker reads the trade history itself, up to the event that was the newest at this moment, so
both halves of a report tell of the same instant however long it takes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import __version__
from app.api.compat.trade_presenters import shown
from app.api.wire import encode, instant_text
from app.settings import Settings
from application.context import RequestContext
from application.portfolio.live_trades import ReadLiveTrades
from application.portfolio.performance import MeasurePerformance
from application.portfolio.performance_document import performance_document
from application.portfolio.report_name import ReportName, default_name
from application.ports.compute import Compute
from application.ports.unit_of_work import Store, UnitOfWork
from application.risk.configuration_document import nested
from application.risk.effective_configuration import read_effective
from infrastructure.reports.report_folder import ReportFolder
from infrastructure.reports.report_worker import BUILD_REPORT, write_from

Order = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportWish:
    """`name` null takes the default one; its extension decides the format."""

    name: ReportName | None = None
    file_format: str = "json"
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """A report that lies in the folder."""

    name: ReportName
    total_trades: int
    active_positions: int
    generated_at: datetime
    sha256: str
    total_events: int


class ReportDesk:
    """Writes reports of the main account. Blocks while a worker builds; thread-safe."""

    def __init__(
        self,
        store: Store,
        measure: MeasurePerformance,
        trades: ReadLiveTrades,
        settings: Settings,
        compute: Compute,
    ) -> None:
        self._store = store
        self._measure = measure
        self._trades = trades
        self._settings = settings
        self._compute = compute
        self.folder = ReportFolder(settings.data_dir)

    def export(self, wish: ReportWish, context: RequestContext) -> WrittenReport:
        """BadInput `file_exists`; Unavailable `report_not_written`, `compute_lost`."""
        return self._written(
            wish, context, lambda order: next(iter(self._compute.map(BUILD_REPORT, [order])))
        )

    def export_here(self, context: RequestContext) -> WrittenReport:
        """The default report, built in this process: nothing else is asked of it any more."""
        return self._written(ReportWish(), context, lambda order: write_from(self._store, order))

    def close(self) -> None:
        """Let the worker go."""
        self._compute.close()

    def _written(
        self, wish: ReportWish, context: RequestContext, build: Callable[[Order], Any]
    ) -> WrittenReport:
        if wish.name is not None and not wish.overwrite:
            self.folder.require_free(wish.name)
        name, order, counted = self._store.query(
            lambda work: self._order(wish, context, work), context
        )
        built = build(order)
        return WrittenReport(
            name, *counted, sha256=built["sha256"], total_events=built["total_events"]
        )

    def _order(
        self, wish: ReportWish, context: RequestContext, work: UnitOfWork
    ) -> tuple[ReportName, Order, tuple[int, int, datetime]]:
        """What the worker is told, and the counts the caller is."""
        name = wish.name or default_name(work.now, wish.file_format)
        account = work.accounts.main()
        until_seq = work.events.last_seq()
        found = self._measure(account, work)
        effective = read_effective(work)
        document = {
            "generated_at": instant_text(work.now),
            "version": __version__,
            "config_hash": effective.hash,
            "summary": performance_document(found),
            "config": nested(effective.values),
            "active_positions": {
                trade.position.instrument: shown(trade) for trade in self._trades.all(work)
            },
        }
        order: Order = {
            "database_url": self._settings.database_address,
            "data_dir": str(self._settings.data_dir.resolve()),
            "owner_id": context.owner_id,
            "request_id": context.request_id,
            "account_id": account.id,
            "until_seq": until_seq,
            "name": name.name,
            "overwrite": wish.overwrite,
            "document": encode(document).decode(),
        }
        return name, order, (found.trades.total_trades, found.book.active_positions, work.now)

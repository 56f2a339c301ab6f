"""Builds one report in a process of its own: reads the history from the store, writes the file."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from application.context import RequestContext
from application.portfolio.report_name import ReportName
from application.ports.report_repositories import TradeRow, TradeRowFilter
from application.ports.unit_of_work import Store, UnitOfWork
from infrastructure.clock import SystemClock
from infrastructure.market_data.durable_files import file_sha256
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.store import SqlStore
from infrastructure.persistence.types import from_json
from infrastructure.reports.report_folder import ReportFolder
from infrastructure.reports.report_formats import write_report

BUILD_REPORT = "infrastructure.reports.report_worker.build_report"
ROWS_PER_READ = 2_000


def build_report(chunk: Mapping[str, Any], _seed: object = None) -> dict[str, object]:
    """`{"sha256", "total_events"}` of the written file; see `report_order` for the chunk."""
    store = SqlStore(open_database(chunk["database_url"]), SystemClock())
    try:
        return write_from(store, chunk)
    finally:
        store.close()


def write_from(store: Store, chunk: Mapping[str, Any]) -> dict[str, object]:
    """The same on a store that is open."""
    name = ReportName(chunk["name"])
    document = from_json(chunk["document"])
    counts: list[int] = []

    def write(path: Path) -> None:
        rows = (row.document for row in _rows(store, chunk))
        counts.append(write_report(path, name.format, document, rows))

    folder = ReportFolder(Path(chunk["data_dir"]))
    written = folder.keep(name, write, overwrite=bool(chunk["overwrite"]))
    return {"sha256": file_sha256(written), "total_events": counts[0]}


def _rows(store: Store, chunk: Mapping[str, Any]) -> Iterator[TradeRow]:
    """Rows up to the event that was the newest when the report was asked for."""
    context = RequestContext(chunk["owner_id"], "report", chunk["request_id"])
    where = TradeRowFilter(chunk["account_id"])
    after, is_last = 0, False
    while not is_last:
        rows = store.query(partial(_read, where=where, after_seq=after), context)
        yield from (row for row in rows if row.seq <= chunk["until_seq"])
        is_last = len(rows) < ROWS_PER_READ or rows[-1].seq >= chunk["until_seq"]
        after = rows[-1].seq if rows else after


def _read(work: UnitOfWork, *, where: TradeRowFilter, after_seq: int) -> Sequence[TradeRow]:
    return work.trades.rows(where, after_seq=after_seq, limit=ROWS_PER_READ)

"""What the job children of market data run: each opens the store, works, and closes it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from application.market.job_kinds import UPLOAD_FOLDER
from application.market.report_documents import import_document
from application.ports.jobs import JobContext
from domain.market.import_spec import ImportSpec
from domain.shared.errors import Invalid
from infrastructure.clock import SystemClock
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.market_data.csv_import import import_candles
from infrastructure.market_data.load_bundled import prepare_market_data
from infrastructure.market_data.parquet_store import ParquetCandleStore
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.store import SqlStore


def run_import(spec: Mapping[str, object], context: JobContext) -> dict[str, object]:
    """Import one upload. The report is the result, whether rows were stored or not."""
    declared = spec.get("import")
    if not isinstance(declared, Mapping):
        raise Invalid("import_invalid", "The job names no import spec.")
    upload = upload_named(context.data_dir, str(spec.get("upload", "")))
    parsed = ImportSpec.from_document(declared)
    with opened_store(context) as store:
        calendars = ArrayCalendars(context.data_dir)
        report = import_candles(
            upload,
            parsed,
            context.report_progress,
            store=store,
            candles=ParquetCandleStore(context.data_dir, store, calendars),
            calendars=calendars,
            now=SystemClock().now(),
        )
    return import_document(report)


def run_bundled(spec: Mapping[str, object], context: JobContext) -> dict[str, object]:
    """Session tables and the bundled series; `{"series": {id: bars}, "inserted": rows}`."""
    with opened_store(context) as store:
        loaded = prepare_market_data(context.data_dir, store, SystemClock().now())
    return {
        "series": {item.series.key.id: item.series.bars for item in loaded},
        "inserted": sum(item.inserted for item in loaded),
    }


@contextmanager
def opened_store(context: JobContext) -> Iterator[SqlStore]:
    """The service's store, for as long as the job runs."""
    store = SqlStore(open_database(context.database_url), SystemClock())
    try:
        yield store
    finally:
        store.close()


def upload_named(data_dir: Path, name: str) -> Path:
    """The stored upload. Invalid `import_invalid` when it is not there."""
    folder = (data_dir / UPLOAD_FOLDER).resolve()
    path = (folder / name).resolve()
    if path.parent != folder or not path.is_file():
        raise Invalid("import_invalid", "The upload is not there.", context={"reason": "no_file"})
    return path

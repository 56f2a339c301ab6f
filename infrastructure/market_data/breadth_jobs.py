"""What the job children of breadth run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from application.context import RequestContext
from application.market.compute_breadth import BreadthUniverse, ComputeBreadth
from application.market.import_breadth import ImportBreadth
from application.market.read_candles import ReadCandles
from application.market.session_calendar import SessionCalendar
from application.ports.jobs import JobContext
from domain.market.breadth_csv import BreadthSpec
from domain.shared.errors import Invalid
from infrastructure.clock import SystemClock
from infrastructure.market_data.array_mirror import MirrorReader
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.market_data.market_jobs import opened_store, upload_named

UPLOAD_BYTES_MAX = 16 * 1024 * 1024


def run_import(spec: Mapping[str, object], context: JobContext) -> dict[str, object]:
    """Import one upload; the report names every bad row."""
    declared = spec.get("import")
    if not isinstance(declared, Mapping):
        raise Invalid("import_invalid", "The job names no import spec.")
    upload = upload_named(context.data_dir, str(spec.get("upload", "")))
    parsed = BreadthSpec.from_document(declared)
    with opened_store(context) as store, _lines(upload) as lines:
        run = ImportBreadth(store, SessionCalendar(ArrayCalendars(context.data_dir)))

        def progress(done: int, total: int) -> None:
            context.report_progress(done, total, "rows")

        report = run(lines, parsed, SystemClock().now(), _actor(context), progress)
    return report.as_document()


def run_compute(spec: Mapping[str, object], context: JobContext) -> dict[str, object]:
    """Compute breadth of a universe from stored daily series."""
    wanted = BreadthUniverse.from_document(spec)
    with opened_store(context) as store:
        calendars = ArrayCalendars(context.data_dir)
        candles = MirrorReader(context.data_dir, store)
        run = ComputeBreadth(
            store, candles, ReadCandles(candles, calendars), SessionCalendar(calendars)
        )
        return run(wanted, SystemClock().now(), _actor(context))


def _actor(context: JobContext) -> RequestContext:
    return RequestContext(context.owner_id, "system", context.job_id)


@contextmanager
def _lines(upload: Path) -> Iterator[Iterator[str]]:
    """Lines of UTF-8 text. Invalid `import_invalid` for a file too large or of another kind."""
    if upload.stat().st_size > UPLOAD_BYTES_MAX:
        raise _refused("The file is larger than 16 MiB.", "file_too_large")
    with upload.open(encoding="utf-8-sig", newline="") as stream:
        try:
            yield iter(stream)
        except UnicodeDecodeError as not_text:
            raise _refused("The file is not UTF-8 text.", "not_utf8") from not_text


def _refused(message: str, reason: str) -> Invalid:
    return Invalid("import_invalid", message, context={"reason": reason})

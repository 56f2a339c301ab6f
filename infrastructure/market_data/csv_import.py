"""Candles out of an uploaded file: parsed, checked, and stored only when every row is usable.

Runs in the job child; nothing here is imported by the process that answers requests.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from application.context import SYSTEM
from application.market.register_instrument import registered
from application.ports.calendars import CalendarTables
from application.ports.candles import CandleStore, SeriesFacts
from application.ports.unit_of_work import Store
from domain.market.candle import SeriesKey, Source, to_ms
from domain.market.import_report import ImportReport, RowError, capped_errors
from domain.market.import_spec import ImportSpec
from domain.market.instrument import Instrument
from domain.market.quality_report import REJECTING, QualityReport, missing_columns
from domain.market.symbols import MatchedBy, find_or_describe
from domain.market.validation import CheckContext, Checked, check_candles
from infrastructure.market_data.import_columns import (
    ParsedRows,
    Progress,
    absent_columns,
    parse_rows,
)
from infrastructure.market_data.import_file import ImportFile

IMPORT_KIND = "import_candles"
ATTRIBUTION = "Imported by the owner of this installation."


def import_candles(
    path: Path,
    spec: ImportSpec,
    report_progress: Progress,
    *,
    store: Store,
    candles: CandleStore,
    calendars: CalendarTables,
    now: datetime,
) -> ImportReport:
    """Import one file under the source `imported`, telling (done, total, "rows") after each batch.

    Invalid `import_invalid` for a file that cannot be read at all; Conflict `conflicting_candles`
    when stored rows differ and the spec says reject. Rows that are wrong are in the report.
    """
    match = find_or_describe(spec.instrument)
    instrument = match.instrument
    key = SeriesKey(Source.IMPORTED, instrument.id, spec.interval, spec.adjustment)
    file = ImportFile.open(path, spec.delimiter)
    absent = absent_columns(file.columns)
    if absent:
        return _nothing(key, missing_columns(key.id, absent))
    calendar = calendars.calendar(instrument.calendar)
    parsed = parse_rows(file, spec, instrument, calendar, report_progress)
    context = CheckContext(key, calendar, to_ms(now), gap_policy=spec.gap_policy)
    checked = check_candles(parsed.rows, context)
    is_new = match.by is MatchedBy.REGISTERED and not store.query(
        lambda work: work.instruments.find(instrument.id), SYSTEM
    )
    result = _explained(key, parsed, checked, (_registered(instrument),) if is_new else ())
    if not result.report.usable:
        return result
    if is_new:
        store.command(lambda work: registered(instrument.id, work), SYSTEM).result()
    facts = SeriesFacts(
        calendar=instrument.calendar,
        fetched_at=now,
        attribution=ATTRIBUTION,
        note=" ".join(parsed.notes) or None,
        publication_delay_s=instrument.publication_delay_s,
        actions=parsed.actions,
    )
    outcome = candles.merge(key, checked.rows, facts, spec.on_conflict)
    return replace(
        result,
        stored=True,
        inserted=outcome.inserted,
        unchanged=outcome.unchanged,
        revised=outcome.revised,
    )


def _explained(
    key: SeriesKey, parsed: ParsedRows, checked: Checked, warnings: tuple[str, ...]
) -> ImportReport:
    """The report of a file that was read, before anything is stored."""
    errors = parsed.errors + _faulty_rows(parsed, checked)
    shown, omitted = capped_errors(errors)
    report = replace(
        checked.report,
        usable=checked.report.usable and not parsed.errors,
        total_candles=parsed.rows_read - parsed.rows_of_other_symbols,
        invalid_candles=len({error.row for error in errors}),
    )
    return ImportReport(
        instrument=key.instrument,
        series=key.id,
        stored=False,
        rows_read=parsed.rows_read,
        rows_of_other_symbols=parsed.rows_of_other_symbols,
        inserted=0,
        unchanged=0,
        revised=0,
        actions=len(parsed.actions),
        errors=shown,
        errors_omitted=omitted,
        notes=parsed.notes,
        warnings=warnings,
        report=report,
    )


def _faulty_rows(parsed: ParsedRows, checked: Checked) -> list[RowError]:
    """Rows the checker refused, by line; cells the parser already named are not repeated."""
    named = {error.row for error in parsed.errors}
    sentences = {issue.code: issue.description for issue in checked.report.issues}
    return [
        RowError(line, "", code.value, sentences.get(code, code.value))
        for code, positions in checked.faulty.items()
        if code in REJECTING
        for line in parsed.lines[positions].tolist()
        if line not in named
    ]


def _nothing(key: SeriesKey, report: QualityReport) -> ImportReport:
    return ImportReport(key.instrument, key.id, False, 0, 0, 0, 0, 0, 0, (), 0, (), (), report)


def _registered(instrument: Instrument) -> str:
    return (
        f"{instrument.id} was not known and is registered as {instrument.kind} on "
        f"{instrument.calendar} in {instrument.quote}, unverified."
    )

"""Files of candles as people send them: right ones are stored, wrong ones are explained by row."""

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from application.context import SYSTEM
from application.ports.candles import SeriesFilter
from domain.market.candle import from_ms
from domain.market.import_spec import ImportSpec
from domain.shared.errors import Conflict, Invalid
from infrastructure.market_data.csv_import import import_candles
from tests.support.market import EXCERPTS, NOW, open_room

FAR = 1 << 60
HEADER = "timestamp,open,high,low,close,volume\n"
GOOD = "2024-01-01 00:00:00,1,2,0.5,1.5,10\n2024-01-01 01:00:00,1.5,2,1,1.25,0\n2024-01-01 02:00:00,1.25,2,1,1.75,3\n"


@pytest.fixture
def room(tmp_path):
    made = open_room(tmp_path)
    yield made
    made.close()


def run(room, source, progress=None, **spec):
    spec = {"instrument": "BTC-USD", "interval": "1h"} | spec
    path = source
    if isinstance(source, (str, bytes)):
        path = room.folder / "upload.csv"
        path.write_bytes(source.encode() if isinstance(source, str) else source)
    return import_candles(
        path,
        ImportSpec.from_document(spec),
        progress or (lambda done, total, unit: None),
        store=room.store,
        candles=room.candles,
        calendars=room.calendars,
        now=NOW,
    )


def stored(room, report):
    return room.reader().read(report.series, 0, FAR)


def nothing_stored(room):
    return room.reader().series(SeriesFilter()) == []


def test_hourly_bitcoin_imports_as_it_is(room):
    report = run(room, EXCERPTS / "btcusd_1h_excerpt.csv")
    assert report.stored and report.inserted == 60 and report.report.completeness == 1
    assert report.warnings and "BTC-USD" in report.warnings[0]
    rows = stored(room, report)
    assert from_ms(rows["open_time"][0]) == datetime(2017, 7, 1, 11, tzinfo=UTC)
    assert rows["quote_volume"][0] == 287000.32 and rows["volume"][1] == 157.36
    registered = room.store.query(lambda work: work.instruments.find("BTC-USD"), SYSTEM)
    assert (registered.kind, registered.calendar, registered.status) == (
        "spot",
        "24/7",
        "unverified",
    )
    again = run(room, EXCERPTS / "btcusd_1h_excerpt.csv")
    assert (again.inserted, again.unchanged, again.warnings) == (0, 60, ())


def test_a_file_of_two_symbols_gives_each_instrument_its_rows(room):
    bitcoin = run(room, EXCERPTS / "btc_eth_1m_excerpt.csv", interval="1m")
    ether = run(
        room,
        EXCERPTS / "btc_eth_1m_excerpt.csv",
        interval="1m",
        instrument="ETH-USD",
        symbol="ETHUSD",
    )
    assert bitcoin.stored and ether.stored
    assert bitcoin.rows_read == 35 and bitcoin.inserted + ether.inserted == 35
    assert bitcoin.rows_of_other_symbols == ether.inserted
    assert stored(room, bitcoin)["close"][0] == 6837.32 and stored(room, ether)["close"][0] == 377.0
    assert [i.affected_rows for i in bitcoin.report.issues if i.code == "gap"] == [1, 432]


def test_dates_of_a_session_calendar_become_the_opens_of_their_sessions(room):
    report = run(room, EXCERPTS / "sp500_daily_excerpt.csv", instrument="SPX", interval="1d")
    rows = stored(room, report)
    assert report.inserted == 42 and report.report.missing_candles == 0
    third = rows[[from_ms(t).date() == date(2018, 7, 3) for t in rows["open_time"]]]
    assert from_ms(third["open_time"][0]) == datetime(2018, 7, 3, 13, 30, tzinfo=UTC)
    assert from_ms(third["close_time"][0]) == datetime(2018, 7, 3, 17, 0, tzinfo=UTC)


def test_dividends_come_along_and_the_adjusted_close_is_named(room):
    report = run(
        room,
        EXCERPTS / "calm_daily_excerpt.csv",
        instrument="CALM",
        interval="1d",
        adjustment="split",
    )
    assert report.stored and report.actions == 1 and "adj_close" in report.notes[0]
    actions = room.store.query(lambda work: work.series.actions(report.series), SYSTEM)
    assert [(a.kind.value, a.ex_date, a.value) for a in actions] == [
        ("dividend", date(2023, 1, 24), Decimal("1.351"))
    ]


def test_a_file_without_volume_has_none_and_tick_volume_is_noted(room):
    rows = stored(room, run(room, "time,open,high,low,close\n2024-01-01T00:00:00Z,1,2,0.5,1.5\n"))
    assert np.isnan(rows["volume"]).all() and (rows["trades"] == -1).all()
    report = run(
        room,
        "time,open,high,low,close,tick_volume\n2024-01-01T00:00:00Z,1,2,0.5,1.5,7\n",
        instrument="ETH-USD",
    )
    assert stored(room, report)["volume"][0] == 7 and "ticks" in report.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + GOOD,
        (HEADER + GOOD).replace("\n", "\r\n"),
        HEADER + GOOD + "\n\n",
        HEADER.upper() + GOOD,
        HEADER + GOOD.replace(" 0", "T0").replace(":00,", ":00Z,"),
        HEADER + GOOD.replace("2024-01-01 00:00:00", " 2024-01-01T01:00:00+01:00 "),
    ],
    ids=["bom", "crlf", "blank_lines", "upper_case_header", "iso_z", "mixed_offsets"],
)
def test_harmless_ways_to_write_the_same_file_are_accepted(room, text):
    report = run(room, text)
    assert report.stored, report.errors
    assert [from_ms(t).hour for t in stored(room, report)["open_time"]] == [0, 1, 2]


@pytest.mark.parametrize("delimiter", [";", "tab"])
def test_other_delimiters_are_accepted_when_declared_and_missing_columns_when_not(room, delimiter):
    sign = "\t" if delimiter == "tab" else delimiter
    text = (HEADER + GOOD).replace(",", sign)
    undeclared = run(room, text)
    assert not undeclared.stored and undeclared.report.issues[0].code == "missing_column"
    assert undeclared.report.issues[0].details["columns"] == [
        "open_time",
        "open",
        "high",
        "low",
        "close",
    ]
    assert run(room, text, delimiter=delimiter).stored


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 1_000), ("us", 1_000_000)])
def test_epoch_numbers_need_their_unit_declared(room, unit, factor):
    text = HEADER + f"{1_704_067_200 * factor},1,2,0.5,1.5,10\n"
    refused = run(room, text)
    assert not refused.stored and refused.errors[0].code == "time_unit_missing"
    report = run(room, text, time_unit=unit)
    assert from_ms(stored(room, report)["open_time"][0]) == datetime(2024, 1, 1, tzinfo=UTC)


def test_times_without_offset_are_read_in_the_declared_zone(room):
    report = run(room, HEADER + "2024-07-01 09:00:00,1,2,0.5,1.5,10\n", timezone="Europe/Berlin")
    assert from_ms(stored(room, report)["open_time"][0]) == datetime(2024, 7, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize("reading", ["2024-03-31 02:30:00", "2024-10-27 02:30:00"])
def test_an_hour_that_a_clock_change_skips_or_doubles_is_an_error_of_its_row(room, reading):
    text = (
        "timestamp,open,high,low,close\n2024-01-01 00:00:00,1,2,0.5,1.5\n"
        + f"{reading},1,2,0.5,1.5\n"
    )
    report = run(room, text, timezone="Europe/Berlin", interval="30m")
    assert [(e.row, e.code) for e in report.errors] == [(3, "unclear_local_time")]
    assert not report.stored and nothing_stored(room)


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        ('2024-01-01 03:00:00,"1,250.5",2,1,1.5,3', "open", "not_a_number"),
        ("2024-01-01 03:00:00,=1+1,2,1,1.5,3", "open", "not_a_number"),
        ("2024-01-01 03:00:00,1_000,2,1,1.5,3", "open", "not_a_number"),
        ("2024-01-01 03:00:00,1.2,2,1,1.5,x", "volume", "not_a_number"),
        ("01/02/2024 03:00,1.2,2,1,1.5,3", "timestamp", "bad_time"),
        (",1.2,2,1,1.5,3", "timestamp", "bad_time"),
        ("2024-01-01 03:00:00,1.2,2,1", "", "wrong_width"),
        ("2024-01-01 03:00:00,,2,1,1.5,3", "", "non_finite"),
        ("2024-01-01 03:00:00,nan,2,1,1.5,3", "", "non_finite"),
        ("2024-01-01 03:00:00,1.2,2,1,1.5,-3", "", "negative_volume"),
        ("2024-01-01 03:00:00,1.2,1.1,1,1.5,3", "", "ohlc_order"),
        ("2024-01-01 03:00:00,0,2,0,1.5,3", "", "non_positive_price"),
        ("2024-01-01 02:00:00,1.25,2,1,1.5,3", "", "conflicting_duplicate"),
    ],
)
def test_a_wrong_row_is_named_by_its_line_and_keeps_the_whole_file_out(room, line, column, code):
    report = run(room, HEADER + GOOD + "\n" + line + "\n2024-01-01 04:00:00,1.2,2,1,1.5,3\n")
    assert (6, column, code) in [(e.row, e.column, e.code) for e in report.errors]
    assert not report.stored and not report.report.usable and report.report.invalid_candles >= 1
    assert nothing_stored(room)
    assert all("250" not in e.message and "=1" not in e.message for e in report.errors)


def test_unsorted_identical_and_future_rows_are_handled_and_said(room):
    lines = GOOD.splitlines()
    future = "2026-01-05 15:00:00,1,2,0.5,1.5,10"
    report = run(room, HEADER + "\n".join([lines[2], lines[0], lines[1], lines[0], future]) + "\n")
    assert report.stored and report.inserted == 3
    found = {issue.code.value for issue in report.report.issues}
    assert {"not_sorted", "duplicate_time", "unclosed"} <= found


def test_a_wrong_timezone_shows_as_misaligned_rows(room):
    text = "timestamp,open,high,low,close\n" + "".join(
        f"2024-07-{d:02d} 09:30:00,1,2,0.5,1.5\n" for d in (1, 2, 3)
    )
    right = run(room, text, instrument="AAPL", interval="1d", timezone="America/New_York")
    assert right.stored and right.report.by_severity["high"] == 0
    wrong = run(room, text, instrument="MSFT", interval="1d")
    assert not wrong.stored and "misaligned" in [i.code.value for i in wrong.report.issues]


def test_rows_that_differ_from_stored_ones_are_refused_or_replaced_as_declared(room):
    run(room, HEADER + GOOD)
    other = (HEADER + GOOD).replace("1.75,3", "1.8,3")
    with pytest.raises(Conflict) as refused:
        run(room, other)
    assert refused.value.context["count"] == 1
    report = run(room, other, on_conflict="replace")
    assert report.revised == 1 and stored(room, report)["close"][2] == 1.8


def test_holes_are_allowed_unless_the_file_is_declared_complete(room):
    lines = GOOD.splitlines()
    text = HEADER + lines[0] + "\n" + lines[2] + "\n"
    assert not run(room, text, gap_policy="reject").stored
    assert run(room, text).stored


def test_errors_are_capped_at_five_hundred_with_a_count_of_the_rest(room):
    lines = "".join(
        f"2024-01-{d:02d} {h:02d}:00:00,x,2,1,1.5,3\n" for d in range(1, 29) for h in range(24)
    )
    report = run(room, HEADER + lines)
    assert len(report.errors) == 500 and report.errors_omitted == 28 * 24 - 500
    assert report.errors[0].row == 2


def test_progress_counts_rows_up_to_the_total(room):
    seen = []
    run(room, HEADER + GOOD, progress=lambda done, total, unit: seen.append((done, total, unit)))
    assert seen[-1] == (3, 3, "rows")


def test_parquet_files_are_read_like_csv(room):
    table = pa.csv.read_csv(EXCERPTS / "btcusd_1h_excerpt.csv")
    path = room.folder / "upload.parquet"
    pa.parquet.write_table(table, path)
    report = run(room, path)
    assert report.stored and report.inserted == 60
    assert stored(room, report)["close"][0] == 2509.17


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"PK\x03\x04rest", "packed_file"),
        (gzip.compress(b"x" * 100, mtime=0), "packed_file"),
        (b"\xff\xfet\x00i\x00m\x00e\x00\n\x00", "not_utf8"),
        (b"PAR1 but not really", "unreadable"),
        (HEADER.encode().replace(b"volume", b"close"), "duplicate_column"),
    ],
)
def test_files_that_are_no_candles_at_all_are_refused(room, content, reason):
    with pytest.raises(Invalid) as refused:
        run(room, content)
    assert refused.value.code == "import_invalid" and refused.value.context["reason"] == reason


def test_a_file_above_the_bound_is_refused_before_it_is_read(room):
    path = room.folder / "large.csv"
    with path.open("wb") as stream:
        stream.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(Invalid) as refused:
        run(room, path)
    assert refused.value.context["reason"] == "file_too_large"


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"interval": "1h"}, "/instrument"),
        ({"instrument": "SPX"}, "/interval"),
        ({"instrument": "SPX", "interval": "1x"}, "/interval"),
        ({"instrument": "S PX", "interval": "1d"}, "/instrument"),
        ({"instrument": "SPX", "interval": "1d", "timezone": "Mars/Olympus"}, "/timezone"),
        ({"instrument": "SPX", "interval": "1d", "timezone": "../../etc/passwd"}, "/timezone"),
        ({"instrument": "SPX", "interval": "1d", "time_unit": "ns"}, "/time_unit"),
        ({"instrument": "SPX", "interval": "1d", "delimiter": "|"}, "/delimiter"),
        ({"instrument": "SPX", "interval": "1d", "guess": True}, "/guess"),
    ],
)
def test_a_spec_that_leaves_something_open_is_refused_by_field(document, pointer):
    with pytest.raises(Invalid) as refused:
        ImportSpec.from_document(document)
    assert refused.value.code == "import_invalid"
    assert [fault.pointer for fault in refused.value.errors] == [pointer]


def test_a_spec_survives_the_way_through_a_job_row():
    spec = ImportSpec.from_document(
        {"instrument": "spx", "interval": "1mo", "delimiter": "tab", "time_unit": "ms"}
    )
    assert ImportSpec.from_document(spec.as_document()) == spec
    assert (spec.instrument, spec.interval) == ("SPX", "1M")

"""The four series of a first start, as a child process loads them."""

import csv
import gzip
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pytest

from application.market.newest_close import NewestClose, exact_price
from application.market.read_candles import CandleQuery, ReadCandles
from application.ports.candles import SeriesFacts, SeriesFilter
from domain.market.candle import Flag, SeriesKey, from_ms, to_ms
from domain.market.merging import OnConflict
from domain.shared.errors import NotFound
from infrastructure.market_data.bundled import load_bundled
from tests.support.market import NOW, hourly, open_room

FAR = 1 << 60
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    made = open_room(tmp_path_factory.mktemp("bundled"))
    load_bundled(made.candles, made.calendars, NOW)
    yield made
    made.close()


def facts(room, instrument):
    return room.reader().describe(f"bundled:{instrument}:1d:raw")


@pytest.mark.parametrize("instrument", ["SPX", "IXIC"])
def test_the_indices_hold_every_session_of_twenty_years(room, instrument):
    series = facts(room, instrument)
    assert (series.bars, series.expected, series.gap_count) == (5031, 5031, 0)
    rows = room.reader().read(series.key.id, 0, FAR)
    sessions = room.calendars.calendar("XNYS").sessions(date(1999, 1, 4), date(2019, 1, 1))
    assert [to_ms(s.opens_at) for s in sessions] == rows["open_time"].tolist()
    assert [to_ms(s.closes_at) for s in sessions] == rows["close_time"].tolist()


def test_oil_and_volatility_are_one_value_a_day_with_their_known_holes(room):
    oil, vix = facts(room, "WTI"), facts(room, "VIX")
    assert (oil.bars, oil.gap_count, oil.first_open.date(), oil.last_open.date()) == (
        8321, 29, date(1986, 1, 2), date(2019, 1, 3),
    )  # fmt: skip
    assert (vix.bars, vix.gap_count, vix.first_open.date(), vix.last_open.date()) == (
        7304, 4, date(1990, 1, 2), date(2018, 12, 31),
    )  # fmt: skip
    for series in (oil, vix):
        rows = room.reader().read(series.key.id, 0, FAR)
        assert (rows["flags"] == Flag.CLOSE_ONLY).all()
        assert (rows["high"] == rows["close"]).all() and (rows["low"] == rows["close"]).all()
    calendar = room.calendars.calendar("XNYS")
    held = {from_ms(t).date() for t in room.reader().read(vix.key.id, 0, FAR)["open_time"]}
    missing = {s.day for s in calendar.sessions(date(1990, 1, 2), date(2019, 1, 1))} - held
    assert missing == {date(1991, 3, 1), date(1997, 1, 31), date(1997, 11, 26), date(1999, 12, 31)}
    assert {day for day in held if not calendar.is_session(day)} == {date(2004, 6, 11)}


def test_the_packaged_vix_agrees_with_the_one_inside_arch_on_every_common_date(room):
    source = Path(find_spec("arch").origin).parent / "data" / "vix" / "vix.csv.gz"
    with gzip.open(source, "rt", newline="") as stream:
        other = {
            datetime.strptime(f"{line['Date']} +0000", "%m/%d/%Y %z").date(): float(line["vix"])
            for line in csv.DictReader(stream)
            if line["vix"] != "."
        }
    rows = room.reader().read("bundled:VIX:1d:raw", 0, FAR)
    own = {from_ms(row["open_time"]).date(): float(row["close"]) for row in rows}
    common = own.keys() & other.keys()
    assert len(common) == 1257
    assert all(abs(own[day] - other[day]) < 1e-9 for day in common)


def test_inventory_says_whose_data_it_is_and_since_when_opens_can_be_used(room):
    assert facts(room, "SPX").opens_reliable_from == date(2008, 1, 2)
    assert "PDDL" in facts(room, "VIX").attribution and "Cboe" in facts(room, "VIX").attribution
    assert "arch" in facts(room, "WTI").attribution
    assert all(series.attribution for series in room.reader().series(SeriesFilter()))


def test_loading_twice_changes_nothing(room):
    before = room.reader().series(SeriesFilter())
    again = load_bundled(room.candles, room.calendars, NOW + timedelta(days=1))
    assert [item.inserted for item in again] == [0, 0, 0, 0]
    assert room.reader().series(SeriesFilter()) == before


def test_the_newest_close_is_exact_and_visible_only_after_its_publication(room):
    newest = NewestClose(room.reader())
    close = datetime(2018, 12, 31, 21, tzinfo=UTC)
    spx = newest("SPX", NOW)
    assert (spx.price, spx.as_of, spx.series_id) == (
        Decimal("2506.850098"),
        close,
        "bundled:SPX:1d:raw",
    )
    assert spx.age_s == Decimal((NOW - close).total_seconds())
    assert newest("SPX", close - timedelta(milliseconds=1)).as_of == datetime(
        2018, 12, 28, 21, tzinfo=UTC
    )
    assert newest("VIX", close + timedelta(seconds=899)).price == Decimal("28.34")
    assert newest("VIX", close + timedelta(seconds=900)).price == Decimal("25.42")
    assert newest("SPX", datetime(1990, 1, 1, tzinfo=UTC)) is None
    assert newest("AAPL", NOW) is None


def test_the_newest_of_several_series_wins_and_synthetic_or_dividend_free_prices_never_do(tmp_path):
    room = open_room(tmp_path)
    first = datetime(2025, 6, 2, tzinfo=UTC)
    for source, adjustment, count, price in (
        ("imported", "raw", 10, 100.0),
        ("binance", "raw", 8, 200.0),
        ("synthetic", "raw", 20, 300.0),
        ("imported", "total", 20, 400.0),
    ):
        key = SeriesKey(source, "BTC-USD", "1h", adjustment)
        room.candles.merge(
            key, hourly(count, first, price), SeriesFacts("24/7", NOW), OnConflict.REJECT
        )
    newest = NewestClose(room.reader())
    assert newest("BTC-USD", NOW).price == Decimal("102.25")
    assert newest("BTC-USD", first + timedelta(hours=3)).series_id == "binance:BTC-USD:1h:raw"
    room.close()


@pytest.mark.parametrize(
    ("price", "scale", "text"),
    [
        (2506.850098, 6, "2506.850098"),
        (0.1, 4, "0.1000"),
        (1e-7, 7, "0.0000001"),
        (64000.0, 2, "64000.00"),
    ],
)
def test_a_stored_price_stands_for_the_decimal_it_was_written_as(price, scale, text):
    assert format(exact_price(price, scale), "f") == text


def test_old_data_is_called_stale_and_a_page_says_where_the_next_begins(room):
    read = ReadCandles(room.reader(), room.calendars)
    start = datetime(2018, 12, 1, tzinfo=UTC)
    page = read.page(CandleQuery("SPX", "1d", start=start, limit=5), NOW)
    assert page.is_stale and len(page.rows) == 5
    following = read.page(CandleQuery("SPX", "1d", start=from_ms(page.next_start_ms)), NOW)
    assert len(following.rows) == 14 and following.next_start_ms is None
    evening = datetime(2018, 12, 31, 21, 5, tzinfo=UTC)
    assert not read.page(CandleQuery("SPX", "1d", limit=1), evening).is_stale
    with pytest.raises(NotFound):
        read.page(CandleQuery("SPX", "1h"), NOW)


def test_a_child_process_does_it_all_from_an_empty_folder(tmp_path):
    address = f"sqlite:///{tmp_path / 'book.db'}"
    from infrastructure.persistence.engine import open_database
    from infrastructure.persistence.tables import METADATA

    database = open_database(address)
    METADATA.create_all(database.writes)
    database.close()
    done = subprocess.run(
        [sys.executable, "-m", "infrastructure.market_data.load_bundled", "--data-dir", str(tmp_path), "--database-url", address],
        cwd=ROOT, capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["series"]: line["bars"] for line in lines} == {
        "bundled:SPX:1d:raw": 5031,
        "bundled:IXIC:1d:raw": 5031,
        "bundled:WTI:1d:raw": 8321,
        "bundled:VIX:1d:raw": 7304,
    }
    assert (tmp_path / "calendars" / "XNYS.npy").is_file()

"""Instruments, calendars, series, candles and quality over HTTP."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.dependencies import Dispatch
from app.api.market import routes
from app.api.paging import Cursors
from app.api.problems import install_problem_handlers
from application.context import ROLE_SCOPES, Principal, Role
from application.market.read_candles import ReadCandles
from application.ports.calendars import CalendarTables
from application.ports.candles import SeriesFacts
from application.ports.clock import Clock
from domain.market.candle import SeriesKey
from domain.market.merging import OnConflict
from infrastructure.market_data.bundled import load_bundled
from tests.support.market import NOW, FixedClock, hourly, open_room


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    room = open_room(tmp_path_factory.mktemp("http"))
    load_bundled(room.candles, room.calendars, NOW)
    key = SeriesKey("synthetic", "BTC-USDT-PERP", "1h")
    room.candles.merge(key, hourly(30), SeriesFacts("24/7", NOW), OnConflict.REJECT)
    yield TestClient(_app(room))
    room.close()


def _app(room):
    parts = {
        ReadCandles: ReadCandles(room.reader(), room.calendars),
        CalendarTables: room.calendars,
        Clock: FixedClock(),
    }
    app = FastAPI()
    install_problem_handlers(app)
    app.include_router(routes.router)
    app.state.container = type("Container", (), {"get": staticmethod(parts.__getitem__)})
    app.state.dispatch = Dispatch(room.store, reads_inline=True)
    app.state.cursors = Cursors(b"k" * 32)

    async def caller(request):
        return Principal("usr_1", "usr_1", Role.VIEWER, ROLE_SCOPES[Role.VIEWER], "test")

    async def spend(request, principal, bucket):
        return None

    app.state.authenticate, app.state.spend = caller, spend
    return app


def get(client, path, status=200, **query):
    answer = client.get(f"/api/v1{path}", params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_instruments_are_listed_filtered_and_paged(client):
    assert [i["id"] for i in get(client, "/instruments", kind="index")["items"]] == [
        "IXIC",
        "SPX",
        "VIX",
        "WTI",
    ]
    first = get(client, "/instruments", limit=40, count="exact")
    rest = get(client, "/instruments", limit=40, cursor=first["next_cursor"])
    ids = [i["id"] for i in first["items"] + rest["items"]]
    assert first["total"] == len(ids) == len(set(ids)) == 52 and ids == sorted(ids)
    assert len(get(client, "/instruments", venue="hyperliquid")["items"]) == 30
    assert [i["id"] for i in get(client, "/instruments", q="nasdaq")["items"]] == ["IXIC"]


@pytest.mark.parametrize(
    ("spelling", "found"),
    [("BTCUSDT", "BTC-USDT-PERP"), ("btc%2Fusdt", "BTC-USDT"), ("%5EGSPC", "SPX")],
)
def test_an_instrument_answers_to_every_spelling(client, spelling, found):
    assert get(client, f"/instruments/{spelling}")["id"] == found


def test_unknown_and_impossible_symbols_are_told_apart(client):
    missing = get(client, "/instruments/SPXX", 404)
    assert missing["code"] == "unknown_instrument" and "SPX" in missing["context"]["near"]
    assert get(client, "/instruments/A;B", 422)["code"] == "invalid_symbol"


def test_calendars_and_their_sessions(client):
    names = [c["name"] for c in get(client, "/calendars")["calendars"]]
    assert names == ["24/7", "24/5", "XNYS"]
    days = get(client, "/calendars/XNYS/sessions", start="2024-07-03", end="2024-07-06")["sessions"]
    assert [(d["session"], d["closes_at"], d["early_close"]) for d in days] == [
        ("2024-07-03", "2024-07-03T17:00:00Z", True),
        ("2024-07-05", "2024-07-05T20:00:00Z", False),
    ]
    assert (
        len(
            get(client, "/calendars/24/7/sessions", start="2024-01-01", end="2024-02-01")[
                "sessions"
            ]
        )
        == 31
    )
    assert (
        get(client, "/calendars/XNYS/sessions", 422, start="1990-01-01", end="2020-01-01")["code"]
        == "range_too_large"
    )
    assert (
        get(client, "/calendars/XNYS/sessions", 422, start="2024-01-02", end="2024-01-02")["code"]
        == "invalid_range"
    )
    assert get(client, "/calendars/XLON/sessions", 404)["code"] == "unknown_calendar"
    assert get(client, "/calendars/..%2F..%2Fetc/sessions", 404)["code"] == "unknown_calendar"


def test_market_status_names_phase_session_and_next_open(client):
    status = get(client, "/market/status", at="2024-07-03T18:00:00Z")
    assert (status["phase"], status["session"], status["early_close"]) == (
        "POST",
        "2024-07-03",
        True,
    )
    assert status["next_open"] == "2024-07-05T13:30:00Z"
    weekend = get(client, "/market/status", at="2024-07-06T15:00:00Z")
    assert (weekend["phase"], weekend["session"], weekend["closes_at"]) == ("CLOSED", None, None)
    assert get(client, "/market/status")["phase"] == "REGULAR"
    assert get(client, "/market/status", 422, at="1950-01-01T00:00:00Z")["code"] == "calendar_range"
    assert get(client, "/market/status", 422, at="2024-07-03T18:00:00")["code"] == "invalid_request"


def test_series_say_what_they_are_and_that_old_data_is_old(client):
    found = get(client, "/data/series", instrument="^GSPC")["items"]
    assert [s["id"] for s in found] == ["bundled:SPX:1d:raw"]
    series = get(client, "/data/series/bundled:SPX:1d:raw")
    assert series == found[0]
    assert (series["bars"], series["completeness"], series["gaps"], series["stale"]) == (
        5031,
        1,
        0,
        True,
    )
    assert series["opens_reliable_from"] == "2008-01-02" and not series["synthetic"]
    assert get(client, "/data/series/bundled:VIX:1d:raw")["completeness"] == 0.9994525797
    assert get(client, "/data/series/bundled:NONE:1d:raw", 404)["code"] == "unknown_series"


def test_sources_show_attribution(client):
    sources = {s["name"]: s for s in get(client, "/data/sources")["sources"]}
    assert sources["bundled"]["series"] == 4 and sources["imported"]["series"] == 0
    assert any("Cboe" in line for line in sources["bundled"]["attributions"])


def test_the_newest_candles_come_as_columns_with_exact_prices(client):
    answer = get(client, "/data/candles", instrument="SPX", interval="1d", limit=2)
    assert answer["n"] == 2 and answer["stale"] and answer["next_start"] is None
    assert answer["columns"]["open_time"] == ["2018-12-28T14:30:00Z", "2018-12-31T14:30:00Z"]
    assert answer["columns"]["close"] == [2485.73999, 2506.850098]
    assert "trades" not in answer["columns"] and "rows" not in answer
    vix = get(client, "/data/candles", instrument="VIX", interval="1d", limit=1)["columns"]
    assert vix["volume"] == [None] and vix["flags"] == [8]


def test_rows_carry_the_same_values_and_pages_join_without_overlap(client):
    query = {"instrument": "SPX", "interval": "1d", "end": "2018-03-01T00:00:00Z"}
    columns = get(client, "/data/candles", start="2018-01-01T00:00:00Z", **query)["columns"]
    seen, start = [], "2018-01-01T00:00:00Z"
    while start:
        page = get(client, "/data/candles", start=start, limit=15, format="rows", **query)
        seen += page["rows"]
        start = page["next_start"]
    assert [row["open_time"] for row in seen] == columns["open_time"] and len(seen) == 40
    assert [row["high"] for row in seen] == columns["high"]


def test_synthetic_rows_answer_only_when_named(client):
    query = {"instrument": "BTCUSDT", "interval": "1h"}
    assert get(client, "/data/candles", 404, **query)["code"] == "no_data"
    named = get(client, "/data/candles", source="synthetic", **query)
    assert named["synthetic"] and named["series"]["synthetic"] and named["n"] == 30


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"instrument": "SPX", "interval": "1x"}, 422, "unknown_timeframe"),
        ({"instrument": "SPX", "interval": "1M"}, 404, "no_data"),
        ({"instrument": "NOPE1", "interval": "1d"}, 404, "unknown_instrument"),
        ({"instrument": "SPX"}, 422, "invalid_request"),
        ({"instrument": "SPX", "interval": "1d", "limit": 50001}, 422, "invalid_request"),
        ({"instrument": "SPX", "interval": "1d", "limit": 0}, 422, "invalid_request"),
        (
            {"instrument": "SPX", "interval": "1d", "limit": 1001, "format": "rows"},
            422,
            "invalid_request",
        ),
        (
            {
                "instrument": "SPX",
                "interval": "1d",
                "start": "2018-01-02T00:00:00Z",
                "end": "2018-01-02T00:00:00Z",
            },
            422,
            "invalid_range",
        ),
        ({"instrument": "SPX", "interval": "1d", "start": "2025-01-02T00:00:00Z"}, 404, "no_data"),
        ({"instrument": "SPX", "interval": "1d", "source": "imported"}, 404, "no_data"),
    ],
)
def test_bad_candle_requests_are_refused_by_code(client, query, status, code):
    assert get(client, "/data/candles", status, **query)["code"] == code


def test_quality_reports_on_the_stored_rows_of_a_range(client):
    report = get(client, "/data/quality", instrument="VIX", interval="1d")
    assert (report["expected_candles"], report["missing_candles"], report["usable"]) == (
        7307,
        4,
        True,
    )
    codes = [issue["code"] for issue in report["issues"]]
    assert codes.count("gap") == 4 and codes.count("off_session") == 1
    assert report["summary"]["by_severity"]["low"] == 5
    spx = get(
        client,
        "/data/quality",
        instrument="SPX",
        interval="1d",
        start="2009-01-01T00:00:00Z",
        end="2010-01-01T00:00:00Z",
    )
    assert (spx["expected_candles"], spx["completeness"], spx["issues"]) == (252, 1, [])

from collections import Counter

import pytest

from domain.market.instrument import (
    AssetClass,
    InstrumentKind,
    InstrumentStatus,
    clean_symbol,
    unverified,
)
from domain.market.known_instruments import KNOWN_INSTRUMENTS
from domain.market.symbols import MatchedBy, find_instrument, find_or_describe, require_instrument
from domain.shared.errors import Invalid, NotFound


@pytest.mark.parametrize(
    ("text", "instrument", "by"),
    [
        ("SPX", "SPX", MatchedBy.CANONICAL),
        (" btc-usdt-perp ", "BTC-USDT-PERP", MatchedBy.CANONICAL),
        ("BTC-USDT", "BTC-USDT", MatchedBy.CANONICAL),
        ("BTCUSDT", "BTC-USDT-PERP", MatchedBy.VENUE),
        ("^GSPC", "SPX", MatchedBy.VENUE),
        ("EURUSD=X", "EUR-USD", MatchedBy.VENUE),
        ("BTC", "BTC-USDT-PERP", MatchedBy.VENUE),
        ("BTC/USDT", "BTC-USDT", MatchedBy.SEPARATOR),
        ("btc_usdt", "BTC-USDT", MatchedBy.SEPARATOR),
        ("BTC-PERP", "BTC-USDT-PERP", MatchedBy.SEPARATOR),
        ("ARB/USDT", "ARB-USDT-PERP", MatchedBy.SEPARATOR),
        ("EURUSD", "EUR-USD", MatchedBy.SEPARATOR),
    ],
)
def test_every_published_spelling_finds_its_instrument_without_a_network(text, instrument, by):
    match = find_instrument(text)
    assert (match.instrument.id, match.by) == (instrument, by)


def test_the_shipped_table_holds_what_it_promises():
    kinds = Counter(item.kind for item in KNOWN_INSTRUMENTS.values())
    assert kinds == {
        InstrumentKind.INDEX: 4,
        InstrumentKind.PERP: 30,
        InstrumentKind.SPOT: 10,
        InstrumentKind.FX: 8,
    }
    assert all(len(item.id) <= 32 for item in KNOWN_INSTRUMENTS.values())
    assert {i.id for i in KNOWN_INSTRUMENTS.values() if i.is_close_only} == {"VIX", "WTI"}
    assert KNOWN_INSTRUMENTS["VIX"].publication_delay_s == 900


def test_no_two_instruments_share_a_native_symbol_of_one_venue():
    pairs = Counter(p for item in KNOWN_INSTRUMENTS.values() for p in item.venue_symbols.items())
    assert max(pairs.values()) == 1


def test_an_index_is_read_and_never_held():
    assert not KNOWN_INSTRUMENTS["SPX"].is_tradable
    assert KNOWN_INSTRUMENTS["BTC-USDT-PERP"].is_tradable


@pytest.mark.parametrize(
    ("ticker", "kind", "asset_class", "calendar", "quote"),
    [
        ("aapl", "equity", "equity", "XNYS", "USD"),
        ("BRK.B", "equity", "equity", "XNYS", "USD"),
        ("BRK-B", "equity", "equity", "XNYS", "USD"),
        ("BTC-USD", "spot", "crypto", "24/7", "USD"),
        ("PEPE-USDC", "spot", "crypto", "24/7", "USDC"),
        ("GBP-JPY", "fx", "fx", "24/5", "JPY"),
    ],
)
def test_an_unknown_ticker_is_registered_by_its_shape_and_marked_unverified(
    ticker, kind, asset_class, calendar, quote
):
    match = find_or_describe(ticker)
    found = match.instrument
    assert match.by is MatchedBy.REGISTERED and found.status is InstrumentStatus.UNVERIFIED
    assert (found.kind, found.asset_class, found.calendar, found.quote) == (
        InstrumentKind(kind), AssetClass(asset_class), calendar, quote,
    )  # fmt: skip


NO_SYMBOLS = (
    "", "   ", "A B", "É", "A" * 25, "A;DROP", "A:B", "..%2F",
    ".", "..", "-", "^", "/", "/A", "A/", "A//B", "A/../B", "./A", "A/.", "\u0131bm", "\u017fpy",
)  # fmt: skip


@pytest.mark.parametrize("text", NO_SYMBOLS)
def test_text_that_is_no_symbol_is_refused(text):
    with pytest.raises(Invalid) as refused:
        clean_symbol(text)
    assert refused.value.code == "invalid_symbol"


@pytest.mark.parametrize("text", ["SYN-SPX", "A" * 21, "AB_CD"])
def test_synthetic_names_and_impossible_tickers_are_never_registered(text):
    with pytest.raises(Invalid) as refused:
        unverified(text)
    assert refused.value.code == "unknown_instrument"


def test_asking_for_an_unknown_instrument_names_near_ones():
    with pytest.raises(NotFound) as refused:
        require_instrument("BTCUSDTT")
    near = refused.value.context["near"]
    assert "BTC-USDT" in near and len(near) <= 5


def test_a_venue_named_in_the_request_is_asked_before_the_others():
    table = dict(KNOWN_INSTRUMENTS)
    assert find_instrument("BTC", table, venue="hyperliquid").by is MatchedBy.NAMED_VENUE

"""From what a caller typed to an instrument; the first rule that hits wins.

(1) canonical id; (2) native symbol of the venue named; (3) native symbol of any venue in the
configured order; (4) separator variants (`BTC/USDT`, `BTC_USDT`, `BTC-PERP`,
`EURUSD`); (5) a bare base asset, which is its
USDT perpetual.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.market.instrument import Instrument, clean_symbol, unverified
from domain.market.known_instruments import KNOWN_INSTRUMENTS
from domain.shared.errors import Invalid, NotFound

DEFAULT_VENUE_ORDER = ("binance", "hyperliquid", "yfinance")
NEAR_MATCHES_MAX = 5
CURRENCY_LETTERS = 3


class MatchedBy(StrEnum):
    """Which rule found the instrument."""

    CANONICAL = "canonical_id"
    NAMED_VENUE = "named_venue_symbol"
    VENUE = "venue_symbol"
    SEPARATOR = "separator_variant"
    BASE_ASSET = "base_asset"
    REGISTERED = "registered_unverified"


@dataclass(frozen=True, slots=True)
class Match:
    """The instrument and the rule that found it."""

    instrument: Instrument
    by: MatchedBy


def find_instrument(
    text: str,
    known: Mapping[str, Instrument] = KNOWN_INSTRUMENTS,
    *,
    venue: str | None = None,
    venue_order: Sequence[str] = DEFAULT_VENUE_ORDER,
) -> Match | None:
    """The known instrument of a spelling, or None.

    Invalid `invalid_symbol` for impossible text, `ambiguous_symbol` when one venue's native symbol
    names two instruments.
    """
    symbol = clean_symbol(text)
    if symbol in known:
        return Match(known[symbol], MatchedBy.CANONICAL)
    if venue is not None:
        named = _native(symbol, known.values(), venue)
        if named is not None:
            return Match(named, MatchedBy.NAMED_VENUE)
    for candidate in venue_order:
        native = _native(symbol, known.values(), candidate)
        if native is not None:
            return Match(native, MatchedBy.VENUE)
    for variant in _variants(symbol):
        if variant in known:
            return Match(known[variant], MatchedBy.SEPARATOR)
    perpetual = known.get(f"{symbol}-USDT-PERP")
    return None if perpetual is None else Match(perpetual, MatchedBy.BASE_ASSET)


def require_instrument(
    text: str, known: Mapping[str, Instrument] = KNOWN_INSTRUMENTS, *, venue: str | None = None
) -> Instrument:
    """The known instrument. NotFound `unknown_instrument` with up to five near matches."""
    match = find_instrument(text, known, venue=venue)
    if match is None:
        symbol = clean_symbol(text)
        near = difflib.get_close_matches(symbol, list(known), n=NEAR_MATCHES_MAX)
        raise NotFound(
            "unknown_instrument", f"No instrument {symbol} is known.", context={"near": near}
        )
    return match.instrument


def find_or_describe(text: str, known: Mapping[str, Instrument] = KNOWN_INSTRUMENTS) -> Match:
    """The known instrument, else the unverified one a command would register."""
    match = find_instrument(text, known)
    return match or Match(unverified(text), MatchedBy.REGISTERED)


def _native(symbol: str, instruments: Iterable[Instrument], venue: str) -> Instrument | None:
    hits = [item for item in instruments if item.venue_symbols.get(venue) == symbol]
    if len(hits) > 1:
        raise Invalid(
            "ambiguous_symbol",
            f"{symbol} names several instruments of {venue}.",
            context={"candidates": [item.id for item in hits]},
        )
    return hits[0] if hits else None


def _variants(symbol: str) -> tuple[str, ...]:
    dashed = symbol.replace("/", "-").replace("_", "-")
    base, _, rest = dashed.partition("-")
    if rest == "PERP":
        return (f"{base}-USDT-PERP",)
    if len(dashed) == 2 * CURRENCY_LETTERS and dashed.isalpha():
        return (f"{dashed[:CURRENCY_LETTERS]}-{dashed[CURRENCY_LETTERS:]}",)
    return (dashed, f"{dashed}-PERP")

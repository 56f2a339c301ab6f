"""What an order on one side meets in the prices known now: the touch, and how much is there."""

from collections.abc import Iterator
from decimal import Decimal

from application.ports.paper_market import PaperTerms, SizeModel
from domain.backtest.fill_model import is_limit_reached, touch_from_last
from domain.market.price_event import BookLevel, PriceTick
from domain.shared.side import Side


def touch_of(tick: PriceTick, side: Side, terms: PaperTerms) -> Decimal | None:
    """Ask for a BUY, bid for a SELL; without any book the last price and half the spread.

    Null when nobody gave the price of that side, or all that was offered is used up.
    """
    quote = tick.ask if side is Side.BUY else tick.bid
    if quote is not None:
        offers = known_levels(tick, side, terms)
        return quote if offers is None else next((o.price for o in offers if o.qty > 0), None)
    if tick.bid is None and tick.ask is None and tick.last is not None:
        return touch_from_last(side.sign, tick.last, terms.half_spread)
    return None


def known_levels(tick: PriceTick, side: Side, terms: PaperTerms) -> tuple[BookLevel, ...] | None:
    """Levels that bound the size; null when sizes are not modelled or not known."""
    levels = tick.asks if side is Side.BUY else tick.bids
    return levels if terms.size_model is SizeModel.BOOK and levels else None


def offers(
    tick: PriceTick, side: Side, terms: PaperTerms, limit: Decimal | None
) -> Iterator[tuple[Decimal, Decimal | None]]:
    """(price, quantity) an order can have, best first, not worse than the limit; a quantity of null
    has no bound.
    """
    levels = known_levels(tick, side, terms)
    touch = touch_of(tick, side, terms)
    if touch is None:
        return
    found = [(touch, None)] if levels is None else [(o.price, o.qty) for o in levels if o.qty > 0]
    for price, qty in found:
        if limit is None or is_limit_reached(side.sign, limit, price):
            yield price, qty

"""Which of last trade and quotes is the price a plan decides on."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

LAST_TRADE_AGE_MAX_S = Decimal(3)
LAST_TRADE_DISTANCE_MAX = Decimal("0.01")


class PriceBasis(StrEnum):
    """What the reference price is."""

    LAST = "last"
    MID = "mid"


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """A price and its basis."""

    value: Decimal
    basis: PriceBasis


def reference_price(
    last: Decimal | None, last_age_s: Decimal | None, bid: Decimal | None, ask: Decimal | None
) -> ReferencePrice | None:
    """With quotes: the last trade if ≤ 3 s old and within 1 % of mid, else mid. Without: the last.

    Quotes that are not positive or are crossed do not count; null when nothing is known.
    """
    if bid is None or ask is None or not 0 < bid <= ask:
        return ReferencePrice(last, PriceBasis.LAST) if last is not None else None
    mid = (bid + ask) / 2
    if last is None or last_age_s is None or last_age_s > LAST_TRADE_AGE_MAX_S:
        return ReferencePrice(mid, PriceBasis.MID)
    if abs(last - mid) > LAST_TRADE_DISTANCE_MAX * mid:
        return ReferencePrice(mid, PriceBasis.MID)
    return ReferencePrice(last, PriceBasis.LAST)

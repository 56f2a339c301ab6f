"""Share splits: quantity times the ratio, every price level divided by it, equity unchanged.

A split applies once per position, in date order, and never behind fills that already trade at the
new price.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from domain.shared.decimals import (
    QUANTITY_STEP,
    ceil_to,
    divide,
    floor_to,
    quantity_to_step,
)
from domain.shared.errors import Conflict, FieldFault, Invalid

RATIO_MIN = Decimal("0.0001")
RATIO_MAX = Decimal(10000)
PRICE_STEP = Decimal("1e-12")
"""Anchors, water marks and executed prices keep 12 decimals, as average prices do."""


@dataclass(frozen=True, slots=True)
class Split:
    """`ratio` = new shares per old share: 4 for 4-for-1, 0.1 for 1-for-10.

    Raises `Invalid` (`invalid_split`) for a ratio of 1 or outside [0.0001, 10000].
    """

    id: str
    instrument: str
    ratio: Decimal
    ex_date: date

    def __post_init__(self) -> None:
        is_in_range = self.ratio.is_finite() and RATIO_MIN <= self.ratio <= RATIO_MAX
        if not is_in_range or self.ratio == 1:
            message = f"new shares per old share, from {RATIO_MIN} to {RATIO_MAX}, not 1"
            fault = FieldFault("/ratio", "out_of_range", message)
            raise Invalid("invalid_split", "The split ratio is out of range.", errors=(fault,))


@dataclass(frozen=True, slots=True)
class SplitLevels:
    """The per-share numbers of a position that a split rescales; null stays null."""

    qty: Decimal
    anchor_price: Decimal | None = None
    avg_cost: Decimal | None = None
    high_water: Decimal | None = None
    low_water: Decimal | None = None
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class SplitResult:
    """Levels after the split; `qty_change` goes to the ledger, `qty_dropped` is below one step."""

    levels: SplitLevels
    qty_change: Decimal
    qty_dropped: Decimal


def apply_split(
    ratio: Decimal,
    levels: SplitLevels,
    *,
    tick: Decimal,
    qty_step: Decimal = QUANTITY_STEP,
) -> SplitResult:
    """qty × ratio toward zero on the step; anchor, cost and water marks ÷ ratio, 12 decimals.

    A stop goes down to its tick and targets up to theirs (long), never under one tick.
    """
    exact_qty = levels.qty * ratio
    qty = quantity_to_step(exact_qty, qty_step)
    stop = levels.stop
    after = SplitLevels(
        qty=qty,
        anchor_price=rescaled(levels.anchor_price, ratio),
        avg_cost=rescaled(levels.avg_cost, ratio),
        high_water=rescaled(levels.high_water, ratio),
        low_water=rescaled(levels.low_water, ratio),
        stop=None if stop is None else max(tick, floor_to(divide(stop, ratio), tick)),
        targets=tuple(max(tick, ceil_to(divide(t, ratio), tick)) for t in levels.targets),
    )
    return SplitResult(after, qty - levels.qty, exact_qty - qty)


def require_in_order(
    split: Split,
    *,
    ex_session_opens_at: datetime,
    last_fill_at: datetime | None,
    last_split_ex_date: date | None = None,
) -> None:
    """Raises `Conflict` `split_out_of_order` behind a fill of the ex-date or a later split."""
    is_behind_fill = last_fill_at is not None and last_fill_at >= ex_session_opens_at
    is_behind_split = last_split_ex_date is not None and last_split_ex_date > split.ex_date
    if is_behind_fill or is_behind_split:
        obstacle = "a fill" if is_behind_fill else "a later split"
        raise Conflict(
            "split_out_of_order",
            f"The split of {split.ex_date.isoformat()} lies before {obstacle} already booked.",
            context={"split_id": split.id, "ex_date": split.ex_date.isoformat()},
        )


def rescaled(price: Decimal | None, ratio: Decimal) -> Decimal | None:
    """A price per old share as one per new share: ÷ ratio, 12 decimals, never 0; null is null."""
    if price is None:
        return None
    quotient = divide(price, ratio)
    return max(PRICE_STEP, quotient.quantize(PRICE_STEP, rounding=ROUND_HALF_EVEN))

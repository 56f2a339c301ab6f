"""Money at risk now: what every position loses if its stop fills, over the equity.

loss at stop = q·max(0, m − stop) + N·(half spread + taker fee) for a long, mirrored for a short,
with N = |q|·m and a half spread of at least 10 bps. Risk is measured from the current mark: a stop
beyond break-even still gives back what was gained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.shared.decimals import ZERO, divide, fraction

HALF_SPREAD_MIN = Decimal("0.001")
UNPROTECTED = "unprotected_without_volatility"


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """A holding at its mark; `stop` is null without a live stop, `fee_rate` a fraction."""

    qty: Decimal
    mark: Decimal | None
    stop: Decimal | None
    fee_rate: Decimal = ZERO
    half_spread: Decimal = HALF_SPREAD_MIN


@dataclass(frozen=True, slots=True)
class OpenRisk:
    """Σ loss at stop / equity, or why it is null."""

    value: Decimal | None
    reason: str | None = None


def loss_at_stop(position: OpenPosition) -> Decimal | None:
    """Money lost from the mark to the stop, cost of leaving included; null without mark or stop."""
    if position.mark is None or position.stop is None:
        return None
    adverse = position.mark - position.stop if position.qty > 0 else position.stop - position.mark
    held = abs(position.qty)
    leaving = max(position.half_spread, HALF_SPREAD_MIN) + position.fee_rate
    return held * max(adverse, ZERO) + held * position.mark * leaving


def open_risk(positions: Sequence[OpenPosition], equity: Decimal | None) -> OpenRisk:
    """Null: `no_price`, `equity_not_positive`, `unprotected_without_volatility`."""
    if equity is None or any(position.mark is None for position in positions):
        return OpenRisk(None, "no_price")
    if equity <= 0:
        return OpenRisk(None, "equity_not_positive")
    losses = [loss_at_stop(position) for position in positions]
    known = [loss for loss in losses if loss is not None]
    if len(known) < len(losses):
        return OpenRisk(None, UNPROTECTED)
    return OpenRisk(fraction(divide(sum(known, ZERO), equity)))

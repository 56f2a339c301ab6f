"""R: what one unit of a trade loses when its stop fills.

Size, gate and the reported initial risk of a trade on margin use this one function.
"""

from dataclasses import dataclass
from decimal import Decimal

from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class StopPlan:
    """The stop of an entry: its level, and `fills_at`, the level slipped and rounded against the
    exit. `commission_rate` is paid on both sides, a fraction of the notional.
    """

    level: Decimal
    fills_at: Decimal
    commission_rate: Decimal

    def loss_per_unit(self, side: Side, entry: Decimal) -> Decimal:
        """`R = (entry − exit)·sign + commission·(entry + exit)`; `entry` is the price it fills at,
        slippage included. Below zero when the stop locks in a gain.
        """
        fees = self.commission_rate * (entry + self.fills_at)
        return (entry - self.fills_at) * side.sign + fees

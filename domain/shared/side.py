"""Direction of an order, a fill or a proposal."""

from enum import StrEnum


class Side(StrEnum):
    """BUY adds quantity, SELL removes it."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, −1 for SELL."""
        return 1 if self is Side.BUY else -1

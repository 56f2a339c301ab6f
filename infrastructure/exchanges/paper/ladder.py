"""Orders of one symbol, side and kind in the order in which a moving price reaches them."""

from bisect import bisect_left, bisect_right, insort
from decimal import Decimal


class PriceLadder:
    """Ids sorted by price, then time. `direction` +1: a rising price reaches them, lowest first;
    −1: a falling price does, highest first.
    """

    def __init__(self, direction: int) -> None:
        self._direction = direction
        self._rungs: list[tuple[Decimal, int, str]] = []

    def __len__(self) -> int:
        return len(self._rungs)

    def add(self, price: Decimal, seq: int, order_id: str) -> None:
        """Put an order at a price."""
        insort(self._rungs, (self._direction * price, seq, order_id))

    def remove(self, price: Decimal, seq: int, order_id: str) -> None:
        """Take the order away from the price it was put at."""
        rung = (self._direction * price, seq, order_id)
        del self._rungs[bisect_left(self._rungs, rung)]

    def reached_by(self, price: Decimal) -> list[str]:
        """Ids at the price or on its way there: best price first, then time."""
        if not self._rungs or self._rungs[0][0] > self._direction * price:
            return []
        end = bisect_right(self._rungs, self._direction * price, key=_price_of)
        return [order_id for _, _, order_id in self._rungs[:end]]


def _price_of(rung: tuple[Decimal, int, str]) -> Decimal:
    return rung[0]

"""Live prices while no exchange is connected: there are none, and none are made up."""

from collections.abc import Sequence

from domain.market.price_event import PriceTick


class NoFeed:
    """`PriceFeed` that is never connected."""

    @property
    def is_connected(self) -> bool:
        """False."""
        return False

    def newest(self, symbols: Sequence[str]) -> Sequence[PriceTick]:
        """Nothing."""
        return ()

"""`Prices` from stored candles: the newest close, labelled with its series and age."""

from datetime import datetime

from application.market.newest_close import NewestClose
from domain.plans.plan import PriceView


class ClosePrices:
    """Newest stored close of the instrument, whatever its age; the reader judges staleness."""

    def __init__(self, newest_close: NewestClose) -> None:
        self._newest_close = newest_close

    def newest(self, instrument: str, now: datetime) -> PriceView | None:
        close = self._newest_close(instrument, now)
        if close is None:
            return None
        return PriceView(close.price, f"close:{close.series_id}", close.age_s, close.as_of)

"""`Prices` from stored candles: the newest close, labelled with its series and age."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from application.market.newest_close import NewestClose
from domain.plans.plan import PriceView

REUSED_FOR = timedelta(seconds=5)
INSTRUMENTS_MAX = 10_000


class ClosePrices:
    """Newest stored close of the instrument, whatever its age; the reader judges staleness.

    Closes arrive once a bar, reads many times a second: an answer serves instants up to 5 s later,
    with its age moved on. Thread-safe.
    """

    def __init__(self, newest_close: NewestClose) -> None:
        self._newest_close = newest_close
        self._answers: dict[str, tuple[datetime, PriceView | None]] = {}

    def newest(self, instrument: str, now: datetime) -> PriceView | None:
        known = self._answers.get(instrument)
        if known is not None and timedelta(0) <= now - known[0] < REUSED_FOR:
            return _aged(known[1], now - known[0])
        close = self._newest_close(instrument, now)
        price = None
        if close is not None:
            source = f"close:{close.series_id}"
            price = PriceView(close.price, source, close.age_s, close.as_of)
        if known is None or known[0] < now:
            if len(self._answers) >= INSTRUMENTS_MAX:
                self._answers.clear()
            self._answers[instrument] = (now, price)
        return price


def _aged(price: PriceView | None, passed: timedelta) -> PriceView | None:
    if price is None:
        return None
    return replace(price, age_s=price.age_s + Decimal(str(passed.total_seconds())))

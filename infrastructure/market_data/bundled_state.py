"""The bundled VIX closes as rows of the market's state: history, far too old to be today's."""

from dataclasses import replace
from decimal import Decimal

from application.context import SYSTEM
from application.market.record_market_state import RecordMarketState
from application.market.session_calendar import SessionCalendar
from application.ports.candles import CandleReader, SeriesFilter
from application.ports.unit_of_work import Store
from domain.market.candle import Source, from_ms
from domain.market.market_sources import StateSource
from domain.market.market_state import StateOffer

VIX_INSTRUMENT = "VIX"


def feed_bundled_vix(store: Store, candles: CandleReader, sessions: SessionCalendar) -> int:
    """Offer every close that falls on a session; how many rows are new. A second run changes
    nothing, and rows of any other source stay as they are."""
    found = candles.series(SeriesFilter(VIX_INSTRUMENT, Source.BUNDLED, "1d"))
    if not found:
        return 0
    series = found[0]
    rows = candles.read(series.key.id, 0, 2**62)
    calendar = sessions()
    step = Decimal(1).scaleb(-series.price_scale)
    offers = []
    for open_ms, close in zip(rows["open_time"].tolist(), rows["close"].tolist(), strict=True):
        day = from_ms(open_ms).date()
        if calendar.is_session(day):
            vix = Decimal(repr(close)).quantize(step)
            offers.append(StateOffer(day, StateSource.BUNDLED, {"vix": vix}))
    record = RecordMarketState(sessions)
    # The owner's profile labels the rows.
    founder = store.query(lambda work: work.users.founder(), SYSTEM)
    context = SYSTEM if founder is None else replace(SYSTEM, owner_id=founder.owner_id)
    return store.command(lambda work: record(offers, work), context).result().inserted

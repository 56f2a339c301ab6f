"""Whatever the market and the account: the loss at the stop stays within the risk budget."""

from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from domain.risk.sizing import (
    Cap,
    SizeWish,
    SizingBook,
    SizingLimits,
    TradeRisk,
    position_size,
)

prices = st.decimals(min_value=D("0.05"), max_value=D(90_000), places=4)
shares_of = st.decimals(min_value=D("0.0001"), max_value=D(1), places=4)
rates = st.decimals(min_value=D(0), max_value=D("0.02"), places=6)
money = st.decimals(min_value=D(1), max_value=D(10**9), places=2)
books = st.builds(
    SizingBook,
    equity=money,
    available_cash=money,
    held_qty=st.decimals(min_value=D(0), max_value=D(10_000), places=4),
    cluster_risk=st.decimals(min_value=D(0), max_value=D(10**6), places=2),
    drawdown=st.none() | st.decimals(min_value=D(0), max_value=D(1), places=4),
)
limits = st.builds(
    SizingLimits,
    risk_per_trade=st.decimals(min_value=D("0.0001"), max_value=D("0.02"), places=4),
    max_position_size=shares_of,
    position_concentration_limit=shares_of,
    max_correlation_exposure=shares_of,
    max_drawdown=st.none() | shares_of,
)
wishes = st.builds(
    SizeWish,
    requested=shares_of,
    regime_multiplier=st.sampled_from([D("0.5"), D("0.6"), D("0.75"), D(1), D(4)]),
    lot_step=st.sampled_from([D(1), D(100), D("0.00000001")]),
)


@st.composite
def trades(draw):
    entry = draw(prices)
    distance = draw(st.decimals(min_value=D("0.001"), max_value=D("0.99"), places=3))
    rate, slippage = draw(rates), draw(rates)
    return TradeRisk(
        entry=entry,
        stop=entry * (1 - distance),
        round_trip_costs=entry * (2 * rate + slippage),
        commission_rate=rate,
    )


@given(trades(), wishes, limits, books)
def test_the_loss_at_the_stop_never_exceeds_the_budget(trade, wish, bounds, book):
    size = position_size(trade, wish, bounds, book)
    assert size.risk_money <= size.risk_budget
    assert size.risk_money <= book.equity * bounds.risk_per_trade
    assert size.quantity >= 0
    assert size.quantity % wish.lot_step == 0


@given(trades(), wishes, limits, books)
def test_the_smallest_cap_binds_and_no_cap_is_broken(trade, wish, bounds, book):
    size = position_size(trade, wish, bounds, book)
    assert [cap.name for cap in size.caps] == list(Cap)
    assert size.quantity == min(cap.quantity for cap in size.caps)
    assert size.quantity * trade.entry * (1 + trade.commission_rate) <= book.available_cash
    assert size.notional <= book.equity * min(wish.requested, bounds.max_position_size)


@given(trades(), wishes, limits, books, st.sampled_from(["risk_per_trade", "max_position_size"]))
def test_a_tighter_limit_never_gives_a_larger_size(trade, wish, bounds, book, name):
    from dataclasses import replace

    tighter = replace(bounds, **{name: getattr(bounds, name) / 2})
    assert (
        position_size(trade, wish, tighter, book).quantity
        <= position_size(trade, wish, bounds, book).quantity
    )

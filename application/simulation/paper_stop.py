"""How the stop of an order on paper would fill, by the rules of the paper market."""

from decimal import Decimal

from domain.backtest.fill_model import slipped
from domain.market.ticks import taker_price_to_tick
from domain.portfolio.account import Costs
from domain.portfolio.stop_plan import StopPlan
from domain.shared.side import Side


def market_fill(side: Side, price: Decimal, slippage: Decimal, tick_size: Decimal) -> Decimal:
    """What a market order that meets `price` is booked at: slipped, then rounded against it."""
    return taker_price_to_tick(side, slipped(side.sign, price, slippage), tick_size)


def stop_plan(exit_side: Side, level: Decimal, costs: Costs, tick_size: Decimal) -> StopPlan:
    """The stop at `level`, filled exactly there."""
    fills_at = market_fill(exit_side, level, costs.slippage, tick_size)
    return StopPlan(level, fills_at, costs.commission_rate)

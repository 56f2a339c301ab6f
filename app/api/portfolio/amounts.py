"""Amounts, names and choices the requests of the book share: bounded, exact, never guessed."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from app.api.wire import Exact
from domain.portfolio.order import OrderType, TimeInForce
from domain.shared.decimals import decimals_of
from domain.shared.side import Side

QUANTITY_DECIMALS = 8
CASH_DECIMALS = 6
# A product of a quantity and a price, and sums of a few, stay within the 20 integer digits that
# NUMERIC(38,18) holds.
QUANTITY_BELOW = 10**11
PRICE_BELOW = 10**8
CASH_BELOW = 10**15


def _scale(decimals: int) -> AfterValidator:
    def check(value: Decimal) -> Decimal:
        if decimals_of(value) > decimals:
            raise PydanticCustomError("too_many_decimals", f"at most {decimals} decimals")
        return value

    return AfterValidator(check)


def _order_type(value: object) -> object:
    """Any case; `stop` is another name of `stop_market`."""
    if not isinstance(value, str):
        return value
    return "stop_market" if value.lower() == "stop" else value.lower()


Quantity = Annotated[Exact, Field(gt=0, lt=QUANTITY_BELOW), _scale(QUANTITY_DECIMALS)]
Holding = Annotated[Exact, Field(ge=0, lt=QUANTITY_BELOW), _scale(QUANTITY_DECIMALS)]
Cash = Annotated[Exact, Field(ge=0, lt=CASH_BELOW), _scale(CASH_DECIMALS)]
Money = Annotated[Exact, Field(gt=0, lt=CASH_BELOW), _scale(CASH_DECIMALS)]
Price = Annotated[Exact, Field(gt=0, lt=PRICE_BELOW), _scale(QUANTITY_DECIMALS)]
BarPrice = Annotated[Exact, Field(lt=PRICE_BELOW), _scale(QUANTITY_DECIMALS)]
"""A price of a bar; whether it can be one is the bar's own rule."""
Fraction = Annotated[Exact, Field(ge=0, le=1)]
Symbol = Annotated[str, Field(min_length=1, max_length=64, examples=["ZIM"])]
AnySide = Annotated[
    Side, BeforeValidator(lambda v: v.upper() if isinstance(v, str) else v), Field(examples=["BUY"])
]
AnyOrderType = Annotated[OrderType, BeforeValidator(_order_type)]
AnyTimeInForce = Annotated[
    TimeInForce, BeforeValidator(lambda v: v.lower() if isinstance(v, str) else v)
]

"""Equal requests sign equally however their decimals are spelt, and no others do."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from app.api.decimal_fields import decimal_reader
from app.api.portfolio.schemas import OrderIn, PositionIn
from app.api.wire import Exact, Number
from domain.shared.canonical import signature
from domain.shared.decimals import plain

D = Decimal


class Leg(BaseModel):
    ratio: Exact
    label: str = ""


class Whole(BaseModel):
    qty: Exact
    limit: Exact | None = None
    note: str | None = None
    leg: Leg | None = None
    legs: list[Leg] = Field(default_factory=list)
    prices: list[Annotated[Exact, Field(gt=0)]] = Field(default_factory=list)
    sizes: tuple[Number, ...] = ()


class Ladder(BaseModel):
    kind: Literal["ladder"]
    step: Exact
    mark: str


class Grid(BaseModel):
    kind: Literal["grid"]
    step: Exact
    mark: Exact


class Either(BaseModel):
    plan: Annotated[Ladder | Grid, Field(discriminator="kind")] | None = None


def signed(model: type[BaseModel], body: Any) -> str:
    read = decimal_reader(model)
    return signature(body if read is None else read(body))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"qty": D("1.5")}, {"qty": "1.50"}),
        ({"qty": 2}, {"qty": "+2.0"}),
        ({"qty": D("0.5")}, {"qty": ".5"}),
        ({"qty": 100}, {"qty": "1e2"}),
        ({"qty": 1, "limit": 3}, {"qty": 1, "limit": "3"}),
        ({"qty": 1, "leg": {"ratio": 2}}, {"qty": 1, "leg": {"ratio": "2.0"}}),
        ({"qty": 1, "legs": [{"ratio": 2}]}, {"qty": 1, "legs": [{"ratio": "2"}]}),
        ({"qty": 1, "prices": [1, 2]}, {"qty": 1, "prices": ["1", 2]}),
        ({"qty": 1, "sizes": [1]}, {"qty": 1, "sizes": ["1"]}),
    ],
)
def test_a_decimal_signs_as_its_number(one: Any, other: Any) -> None:
    assert signed(Whole, one) == signed(Whole, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"qty": D("1.5")}, {"qty": "1.51"}),
        ({"qty": 1}, {"qty": 1, "limit": None}),
        ({"qty": 1, "legs": []}, {"qty": 1}),
        ({"qty": 1, "note": "1.5"}, {"qty": 1, "note": "1.50"}),
        ({"qty": 1, "leg": {"ratio": 1, "label": "1"}}, {"qty": 1, "leg": {"ratio": 1, "label": "1.0"}}),
        ({"qty": 1, "prices": ["1", "2"]}, {"qty": 1, "prices": ["2", "1"]}),
    ],
)  # fmt: skip
def test_what_means_something_else_signs_differently(one: Any, other: Any) -> None:
    assert signed(Whole, one) != signed(Whole, other)


def test_of_a_union_only_what_every_member_takes_as_a_decimal_is_one() -> None:
    def sent(**plan: Any) -> dict[str, Any]:
        return {"plan": {"kind": "ladder", **plan}}

    assert signed(Either, sent(step="1.0", mark="x")) == signed(Either, sent(step=1, mark="x"))
    assert signed(Either, sent(step=1, mark="1.0")) != signed(Either, sent(step=1, mark="1"))


@pytest.mark.parametrize("body", [None, [], "1.5", 7, {"qty": "many"}, {"legs": "none"}])
def test_a_body_of_another_shape_is_signed_as_it_is(body: Any) -> None:
    assert signed(Whole, body) == signature(body)


def test_what_was_sent_is_not_changed() -> None:
    body = {"qty": "1.50", "leg": {"ratio": "2"}}
    read = decimal_reader(Whole)
    assert read is not None
    read(body)
    assert body == {"qty": "1.50", "leg": {"ratio": "2"}}


amounts = st.decimals(D("0.00000001"), 10**9, places=8)
ORDER_DECIMALS = ("qty", "limit_price", "stop_price")


@given(st.dictionaries(st.sampled_from(ORDER_DECIMALS), amounts), st.data())
def test_any_mix_of_numbers_and_texts_of_an_order_signs_alike(
    amounts_sent: dict[str, Decimal], data: st.DataObject
) -> None:
    body = {"side": "BUY", "note": "7.0", **amounts_sent}
    spelt = {
        name: data.draw(st.sampled_from([value, plain(value), f"{value:f}0", f"{value:E}"]))
        for name, value in amounts_sent.items()
    }
    assert signed(OrderIn, {**body, **spelt}) == signed(OrderIn, body)


def test_a_plan_inside_a_position_is_read_too() -> None:
    one = {"ticker": "ZIM", "plan": {"kind": "balancing", "band": {"min": "0.20"}}}
    other = {"ticker": "ZIM", "plan": {"kind": "balancing", "band": {"min": D("0.2")}}}
    assert signed(PositionIn, one) == signed(PositionIn, other)

"""Margin arithmetic: averages on both sides, what is used and held, liquidation, funding."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.portfolio.cost_basis import BookEntry, CostBasis, EntryKind, rebuild
from domain.portfolio.margin import (
    MarginClaim,
    available_margin,
    funding_payment,
    funding_stamps,
    is_liquidated,
    isolated_margin,
    liquidation_price,
    margin_to_hold,
    order_margin,
    unrealized_pnl,
)
from domain.portfolio.margin_basis import apply_margin_entry, traded
from domain.shared.errors import Defect
from domain.shared.side import Side

D = Decimal
START = datetime(2026, 1, 5, tzinfo=UTC)
trades = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.decimals("0.00000001", "1000", places=8),
        st.decimals("0.0001", "100000", places=4),
    ),
    max_size=12,
)


def after(*fills: tuple[Side, str, str]) -> tuple[CostBasis, list[Decimal | None]]:
    basis, gains = CostBasis(), []
    for side, qty, price in fills:
        basis, gained = traded(basis, side, D(qty), D(price))
        gains.append(gained)
    return basis, gains


@pytest.mark.parametrize("side", list(Side))
def test_the_same_direction_gives_the_weighted_average(side: Side) -> None:
    basis, gains = after((side, "4", "100"), (side, "6", "101"))
    assert (basis.qty, basis.avg_cost) == (side.sign * 10, D("100.6"))
    assert gains == [None, None]


def test_closing_part_of_a_short_realises_and_keeps_the_average() -> None:
    basis, gains = after((Side.SELL, "10", "50"), (Side.BUY, "4", "45"))
    assert (basis.qty, basis.avg_cost, gains[-1]) == (-6, 50, 20)


def test_a_flip_realises_what_it_closes_and_opens_the_rest_at_its_price() -> None:
    basis, gains = after((Side.BUY, "1", "100"), (Side.SELL, "3", "110"))
    assert (basis.qty, basis.avg_cost, gains[-1]) == (-2, 110, 10)
    basis, gains = after((Side.SELL, "2", "100"), (Side.BUY, "5", "90"))
    assert (basis.qty, basis.avg_cost, gains[-1]) == (3, 90, 20)


def test_a_closed_position_has_no_cost_and_no_average() -> None:
    basis, _ = after((Side.SELL, "3", "33.33"), (Side.BUY, "3", "33.34"))
    assert (basis.qty, basis.cost, basis.avg_cost) == (0, 0, None)


@given(trades)
def test_realised_and_open_profit_are_all_that_was_paid_and_received(
    made: list[tuple[Side, Decimal, Decimal]],
) -> None:
    """`R + (Q·P − K) = Q·P − Σ ±q·P` up to the rounding of each amount to ledger cash."""
    basis, paid = CostBasis(), D(0)
    for side, qty, price in made:
        basis, _ = traded(basis, side, qty, price)
        paid += side.sign * qty * price
    assert basis.cost is not None
    assert abs(basis.realized_pnl - basis.cost + paid) <= len(made) * D("0.000002")
    assert basis.qty == sum((s.sign * q for s, q, _ in made), D(0))
    assert (basis.qty == 0) == (basis.avg_cost is None)
    if basis.qty:
        assert basis.cost * basis.qty >= 0


def test_reports_in_any_order_rebuild_the_same_book() -> None:
    fills = [(Side.BUY, "1", "100"), (Side.SELL, "3", "110"), (Side.BUY, "2", "105")]
    entries = [
        BookEntry(EntryKind.FILL, START + timedelta(seconds=i), ("", str(i)), D(q), D(p), s, D(1))
        for i, (s, q, p) in enumerate(fills)
    ]
    basis, gains = rebuild(reversed(entries), apply_margin_entry)
    assert (basis.qty, basis.realized_pnl, basis.fees_paid) == (0, 20, 3)
    assert list(gains.values()) == [None, 10, 10]


def test_a_margin_position_knows_its_cost() -> None:
    entry = BookEntry(EntryKind.IN_KIND, START, ("", "t"), D(1))
    with pytest.raises(Defect) as broken:
        apply_margin_entry(CostBasis(), entry)
    assert broken.value.code == "unknown_cost"


def test_used_and_available_follow_leverage() -> None:
    assert isolated_margin(D(-5000), 10) == isolated_margin(D(5000), 10) == 500
    assert available_margin(D(10000), D(500), D(100)) == 9400
    assert unrealized_pnl(D(-2), D(-220), D(100)) == 20


def test_an_order_holds_margin_and_fee_rounded_up() -> None:
    assert margin_to_hold(D(1), D(100), 3, D("0.001")) == D("33.433334")


def test_the_part_of_an_order_that_closes_needs_no_margin() -> None:
    def claim(qty: str) -> MarginClaim:
        return MarginClaim(D(qty), D(100), 10, D(0))

    assert order_margin(D(0), [claim("5")]) == 50
    assert order_margin(D(2), [claim("-2")]) == 0
    assert order_margin(D(2), [claim("-3")]) == 10
    assert order_margin(D(2), [claim("-2"), claim("-2")]) == 20
    assert order_margin(D(2), [claim("1"), claim("-2")]) == 10


@pytest.mark.parametrize(
    ("qty", "cost", "leverage", "price"),
    [("1", "100", 10, D(90) / D("0.995")), ("-2", "-200", 10, D(110) / D("1.005")),
     ("3", "300", 1, None), ("0", "0", 1, None)],
)  # fmt: skip
def test_the_liquidation_price(qty: str, cost: str, leverage: int, price: Decimal | None) -> None:
    found = liquidation_price(D(qty), D(cost), leverage)
    assert (found is None) == (price is None)
    if found is not None and price is not None:
        assert abs(found - price) < D("1e-40")


@given(
    st.decimals("-100", "100", places=3).filter(lambda q: q != 0),
    st.decimals("1", "1000", places=2),
    st.integers(2, 125),
)
def test_a_position_is_liquidated_beyond_its_price_and_not_before(
    qty: Decimal, entry: Decimal, leverage: int
) -> None:
    cost, sign = qty * entry, 1 if qty > 0 else -1
    price = liquidation_price(qty, cost, leverage)
    assert price is not None
    hair = D("1e-20") * sign
    assert is_liquidated(qty, cost, leverage, price - hair)
    assert not is_liquidated(qty, cost, leverage, price + hair)


def test_a_long_pays_a_positive_rate_and_a_short_receives_it() -> None:
    rate = D("0.0001")
    assert funding_payment(D(2), D(50000), rate) == 10
    assert funding_payment(D(-2), D(50000), rate) == -10
    assert funding_payment(D(2), D(50000), -rate) == -10


def test_funding_falls_due_at_midnight_eight_and_sixteen() -> None:
    day = timedelta(days=1)
    assert [s.hour for s in funding_stamps(START, START + day)] == [8, 16, 0]
    just_before = START + timedelta(hours=8) - timedelta(microseconds=1)
    assert funding_stamps(just_before, just_before + timedelta(microseconds=1)) == (
        START + timedelta(hours=8),
    )
    assert funding_stamps(START, START + timedelta(hours=7, minutes=59)) == ()

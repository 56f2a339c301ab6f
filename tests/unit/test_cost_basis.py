"""Average cost as a fold: published figures, unknown cost, and nothing lost to rounding."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.portfolio.cost_basis import BookEntry, CostBasis, EntryKind, apply_entry, rebuild
from domain.shared.decimals import cash
from domain.shared.errors import Conflict
from domain.shared.side import Side
from tests.support.portfolio import START

D = Decimal


def fill(side: Side, qty: str, price: str, fee: str = "0", tick: int = 1) -> BookEntry:
    at = START + timedelta(seconds=tick)
    name = f"{tick}-{side}-{qty}-{price}"
    return BookEntry(EntryKind.FILL, at, (name, name), D(qty), D(price), side, D(fee))


def in_kind(qty: str, price: str | None, tick: int = 0) -> BookEntry:
    at = START + timedelta(seconds=tick)
    return BookEntry(
        EntryKind.IN_KIND, at, ("", "trf_1"), D(qty), None if price is None else D(price)
    )


def test_two_buys_average_and_a_sale_realises_against_the_average() -> None:
    basis, realized = rebuild(
        [fill(Side.BUY, "4", "100", "0.04", 1), fill(Side.BUY, "6", "101", "0.06", 2),
         fill(Side.SELL, "5", "110", "1", 3)]
    )  # fmt: skip
    assert (basis.qty, basis.avg_cost) == (5, D("100.6"))
    assert (basis.realized_pnl, basis.fees_paid) == (47, D("1.10"))
    assert list(realized.values()) == [None, None, 47]


def test_a_flat_holding_has_no_average_and_starts_afresh() -> None:
    flat, _ = rebuild([fill(Side.BUY, "3", "10", tick=1), fill(Side.SELL, "3", "12", tick=2)])
    assert (flat.qty, flat.cost, flat.avg_cost) == (0, 0, None)
    again, _ = apply_entry(flat, fill(Side.BUY, "1", "50", tick=3))
    assert again.avg_cost == 50


def test_the_last_sale_takes_the_whole_rest_of_the_cost() -> None:
    thirds = [fill(Side.SELL, "1", "1", tick=n) for n in (2, 3, 4)]
    basis, _ = rebuild([fill(Side.BUY, "3", "0.333333", tick=1), *thirds])
    assert basis.cost == 0
    assert basis.realized_pnl == 3 - cash(D(3) * D("0.333333"))


def test_unknown_cost_stays_unknown_until_the_holding_is_flat() -> None:
    mixed, _ = rebuild([in_kind("10", None), fill(Side.BUY, "5", "20", tick=1)])
    assert mixed.avg_cost is None
    sold, realized = apply_entry(mixed, fill(Side.SELL, "5", "30", tick=2))
    assert (realized, sold.realized_known, sold.cost) == (None, False, None)
    flat, _ = apply_entry(sold, fill(Side.SELL, "10", "30", tick=3))
    assert (flat.qty, flat.cost, flat.realized_known) == (0, 0, False)
    fresh, _ = apply_entry(flat, fill(Side.BUY, "1", "7", tick=4))
    assert fresh.avg_cost == 7


def test_more_than_was_held_at_the_time_is_refused() -> None:
    with pytest.raises(Conflict) as caught:
        rebuild([fill(Side.SELL, "1", "10", tick=1), fill(Side.BUY, "5", "10", tick=2)])
    assert caught.value.code == "insufficient_quantity"
    assert caught.value.context == {"held": 0, "needed": 1}


def test_shares_that_arrive_and_leave_at_one_instant_arrive_first() -> None:
    basis, _ = rebuild([fill(Side.SELL, "4", "10", tick=0), in_kind("10", "8", tick=0)])
    assert (basis.qty, basis.avg_cost, basis.realized_pnl) == (6, 8, 8)


def test_a_split_multiplies_the_quantity_and_leaves_the_cost() -> None:
    split = BookEntry(EntryKind.SPLIT, START + timedelta(seconds=2), ("", "spl_1"), D(4))
    basis, _ = rebuild([fill(Side.BUY, "10", "180", tick=1), split])
    assert (basis.qty, basis.avg_cost, basis.cost) == (40, 45, 1800)


@given(st.permutations(range(4)), st.lists(st.integers(0, 3), max_size=5))
def test_shuffled_and_repeated_entries_fold_alike(order: list[int], repeats: list[int]) -> None:
    entries = [in_kind("2", "9"), fill(Side.BUY, "3", "10", "1", 1),
               fill(Side.SELL, "4", "12", "1", 2), fill(Side.BUY, "1", "8", "0", 2)]  # fmt: skip
    shuffled = [entries[i] for i in order] + [entries[i] for i in repeats]
    assert rebuild(shuffled) == rebuild(entries)


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.decimals("0.00000001", 100, places=8).filter(bool),
            st.decimals("0.0001", 1000, places=8).filter(bool),
            st.decimals(0, 5, places=6),
        ),
        max_size=12,
    )
)
def test_money_in_equals_money_out_to_the_last_digit(
    trades: list[tuple[bool, Decimal, Decimal, Decimal]],
) -> None:
    basis, money = CostBasis(), D(0)
    for number, (sells, qty, price, fee) in enumerate(trades):
        side = Side.SELL if sells and basis.qty > 0 else Side.BUY
        traded = min(qty, basis.qty) if side is Side.SELL else qty
        entry = replace(fill(side, "1", "1", tick=number), qty=traded, price=price, fee=fee)
        basis, _ = apply_entry(basis, entry)
        money += -side.sign * cash(traded * price) - fee
        assert basis.cost is not None
        assert money == basis.realized_pnl - basis.cost - basis.fees_paid
        assert basis.qty >= 0

"""A bar is checked before a plan sees it; a bar in the wrong place is refused by name."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.plans.price_bar import BarBounds, PriceBar, PriceBody, checked_bar, require_in_bounds
from domain.shared.errors import BadInput
from tests.support.exit_trade import D, bar

DAY = date(2026, 1, 6)
NOON = datetime(2026, 1, 6, 17, 0, tzinfo=UTC)


def test_a_close_alone_is_a_bar() -> None:
    assert checked_bar(PriceBody(D(100)), DAY) == PriceBar(DAY, D(100), D(100), D(100))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (PriceBody(D(0)), "close"),
        (PriceBody(Decimal("NaN")), "close"),
        (PriceBody(D(100), high=Decimal("Infinity")), "high"),
        (PriceBody(D(100), low=D("-1")), "low"),
        (PriceBody(D(100), open=Decimal("sNaN")), "open"),
        (PriceBody(D(100), high=D("99.99")), "high"),
        (PriceBody(D(100), low=D("100.01")), "low"),
        (PriceBody(D(100), open=D(98), high=D(101), low=D(99)), "low"),
        (PriceBody(D(100), open=D(102), high=D(101), low=D(99)), "high"),
        # high defaults to the close, which an open above it contradicts
        (PriceBody(D(100), open=D(101), low=D(99)), "high"),
    ],
)
def test_inconsistent_prices_are_refused(body: PriceBody, name: str) -> None:
    with pytest.raises(BadInput) as refused:
        checked_bar(body, DAY)
    assert refused.value.code == "inconsistent_bar"
    assert [fault.pointer for fault in refused.value.errors] == [f"/{name}"]


def test_levels_may_touch() -> None:
    assert checked_bar(PriceBody(D(100), D(100), D(100), D(100)), DAY).open == 100


def test_a_later_body_extends_the_running_bar() -> None:
    first = bar("100", "103", "99", "101", final=False)
    amended = first.amended_by(bar("98", "99", "97", "98.5", as_of=NOON))
    assert (amended.open, amended.high, amended.low, amended.close) == (101, 103, 97, 98)
    assert amended.is_final
    assert amended.as_of == NOON
    assert amended.amended_by(bar("98")).as_of == NOON


def test_an_open_told_later_is_taken() -> None:
    assert bar("100").amended_by(bar("100", "101", "99", "99.5")).open == D("99.5")


def bounds(
    last: PriceBar | None = None, *, since: date = DAY, opened_at: datetime | None = None
) -> BarBounds:
    return BarBounds(DAY, since, opened_at, last, today=date(2026, 1, 9))


@pytest.mark.parametrize(
    ("session", "code"),
    [
        (date(2026, 1, 10), "bar_in_future"),
        (date(2026, 1, 5), "bar_before_entry"),
        (date(2026, 1, 7), "bar_out_of_order"),
    ],
)
def test_a_bar_in_the_wrong_place_is_refused(session: date, code: str) -> None:
    last = PriceBar(date(2026, 1, 8), D(1), D(1), D(1))
    with pytest.raises(BadInput) as refused:
        require_in_bounds(PriceBar(session, D(1), D(1), D(1)), bounds(last))
    assert refused.value.code == code


@pytest.mark.parametrize("session", [date(2026, 1, 8), date(2026, 1, 9)])
def test_the_last_session_and_today_are_in_bounds(session: date) -> None:
    last = PriceBar(date(2026, 1, 8), D(1), D(1), D(1))
    require_in_bounds(PriceBar(session, D(1), D(1), D(1)), bounds(last))


def test_a_time_before_the_entry_or_before_the_last_bar_is_refused() -> None:
    later = NOON.replace(hour=18)
    at_noon = PriceBar(DAY, D(1), D(1), D(1), as_of=NOON)
    with pytest.raises(BadInput, match="before the entry"):
        require_in_bounds(at_noon, bounds(opened_at=later))
    with pytest.raises(BadInput) as refused:
        require_in_bounds(at_noon, bounds(PriceBar(DAY, D(1), D(1), D(1), as_of=later)))
    assert refused.value.code == "bar_out_of_order"
    require_in_bounds(at_noon, bounds(at_noon, opened_at=NOON))


def test_a_bar_in_prices_of_before_a_split_is_refused() -> None:
    old = PriceBar(date(2026, 1, 7), D(1), D(1), D(1))
    with pytest.raises(BadInput) as refused:
        require_in_bounds(old, bounds(old, since=date(2026, 1, 8)))
    assert refused.value.code == "bar_out_of_order"

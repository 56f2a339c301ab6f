"""Published dividend and split cases, and the rules around their dates."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.portfolio.dividend import (
    Booking,
    Dividend,
    EntitlementStatus,
    PaymentRequest,
    PriceShift,
    accrue,
    anchor_after_cancel,
    applicable_rate,
    cancel,
    differing_terms,
    entitled_shares,
    pay,
    require_same_terms,
)
from domain.portfolio.split import Split, SplitLevels, apply_split, require_in_order
from domain.shared.errors import Conflict, Invalid

EX_DATE = date(2025, 3, 20)
PAY_DATE = date(2025, 4, 3)
OPENS_AT = datetime(2025, 3, 20, 13, 30, tzinfo=UTC)


def dividend(**terms: object) -> Dividend:
    defaults: dict[str, object] = {
        "id": "div_1",
        "instrument": "ZIM",
        "ex_date": EX_DATE,
        "dps": Decimal("0.82"),
        "currency": "USD",
        "pay_date": PAY_DATE,
    }
    return Dividend(**(defaults | terms))  # type: ignore[arg-type]


def accrued(announced: Dividend, *, anchor: str | None = "150") -> tuple[Booking, PriceShift]:
    return accrue(
        announced,
        entitlement_id="ent_1",
        position_id="pos_1",
        shares=Decimal(100),
        anchor_price=None if anchor is None else Decimal(anchor),
    )


def test_c29_the_ex_date_accrues_the_net_and_lowers_the_anchor_by_the_gross() -> None:
    booking, shift = accrued(dividend(withholding_rate=Decimal("0.25")))
    entitlement = booking.entitlement
    assert shift.after == Decimal("149.18")
    assert entitlement.gross == Decimal("82.00")
    assert entitlement.tax == Decimal("20.50")
    assert entitlement.net == booking.receivable_change == Decimal("61.50")
    assert booking.cash_change == 0
    assert entitlement.status is EntitlementStatus.PENDING


def test_c29_the_payment_moves_the_cash_once_and_repeats_are_replays() -> None:
    announced = dividend()
    entitlement = accrued(announced)[0].entitlement
    first = pay(announced, entitlement, PaymentRequest(today=PAY_DATE))
    second = pay(announced, first.entitlement, PaymentRequest(today=PAY_DATE))
    assert (first.cash_change, first.receivable_change) == (Decimal("61.50"), Decimal("-61.50"))
    assert (first.is_replayed, second.is_replayed) == (False, True)
    assert second.cash_change == second.receivable_change == 0
    assert second.entitlement == first.entitlement
    assert first.entitlement.paid_on == PAY_DATE


def test_an_anchor_that_would_fall_to_zero_is_lost_but_the_receivable_accrues() -> None:
    booking, shift = accrued(dividend(), anchor="0.82")
    assert shift == PriceShift(Decimal("0.82"), None, is_lost=True)
    assert booking.receivable_change == Decimal("61.50")


def test_a_null_anchor_stays_null_without_an_alert() -> None:
    _, shift = accrued(dividend(), anchor=None)
    assert shift == PriceShift(None, None, is_lost=False)


def test_the_positions_rate_comes_before_the_dividends_and_the_default() -> None:
    own, announced = Decimal("0.15"), Decimal("0.30")
    assert applicable_rate(dividend(withholding_rate=announced), own) == own
    assert applicable_rate(dividend(withholding_rate=announced), Decimal(0)) == 0
    assert applicable_rate(dividend(withholding_rate=announced), None) == announced
    assert applicable_rate(dividend(), None) == Decimal("0.25")


def test_money_is_rounded_half_even_to_six_decimals() -> None:
    booking, _ = accrue(
        dividend(dps=Decimal("0.0000005"), withholding_rate=Decimal(0)),
        entitlement_id="ent_1",
        position_id="pos_1",
        shares=Decimal(5),
        anchor_price=None,
    )
    assert booking.entitlement.gross == Decimal("0.000002")


def test_only_holdings_from_before_the_ex_date_session_are_entitled() -> None:
    changes = [
        (datetime(2025, 3, 19, 19, 59, tzinfo=UTC), Decimal(100)),
        (datetime(2025, 3, 20, 13, 29, 59, tzinfo=UTC), Decimal(-40)),
        (OPENS_AT, Decimal(7)),
    ]
    assert entitled_shares(changes, OPENS_AT) == 60
    assert entitled_shares([(datetime(2025, 1, 1, tzinfo=UTC), Decimal(-5))], OPENS_AT) == 0


def test_a_payment_before_the_pay_date_is_refused_unless_early_with_a_reason() -> None:
    announced = dividend()
    entitlement = accrued(announced)[0].entitlement
    today = date(2025, 4, 2)
    with pytest.raises(Conflict) as refused:
        pay(announced, entitlement, PaymentRequest(today=today))
    assert refused.value.code == "before_pay_date"
    with pytest.raises(Invalid) as unexplained:
        pay(announced, entitlement, PaymentRequest(today=today, is_early=True, reason="  "))
    assert unexplained.value.errors[0].pointer == "/reason"
    early = pay(announced, entitlement, PaymentRequest(today, is_early=True, reason="broker paid"))
    assert early.cash_change == Decimal("61.50")
    assert (early.entitlement.paid_on, early.entitlement.early_reason) == (today, "broker paid")


def test_an_unknown_pay_date_needs_the_date_it_was_paid_on() -> None:
    announced = dividend(pay_date=None)
    entitlement = accrued(announced)[0].entitlement
    with pytest.raises(Invalid) as refused:
        pay(announced, entitlement, PaymentRequest(today=PAY_DATE))
    assert refused.value.errors[0].pointer == "/paid_on"
    with pytest.raises(Invalid):
        pay(announced, entitlement, PaymentRequest(today=EX_DATE, paid_on=PAY_DATE))
    paid = pay(announced, entitlement, PaymentRequest(today=PAY_DATE, paid_on=date(2025, 4, 1)))
    assert paid.entitlement.paid_on == date(2025, 4, 1)


def test_other_terms_under_the_same_key_are_named() -> None:
    known, same, other = dividend(), dividend(id="div_2"), dividend(dps=Decimal("0.83"))
    assert differing_terms(known, same) == ()
    assert known.natural_key == other.natural_key
    require_same_terms(known, same)
    with pytest.raises(Conflict) as refused:
        require_same_terms(known, other)
    assert refused.value.code == "dividend_terms_differ"
    assert refused.value.context["fields"] == ["dps"]


def test_cancelling_reverses_exactly_what_was_booked_and_only_once() -> None:
    announced = dividend()
    pending = accrued(announced)[0].entitlement
    paid = pay(announced, pending, PaymentRequest(today=PAY_DATE)).entitlement
    of_pending, of_paid = cancel(pending), cancel(paid)
    assert of_pending.cash_change == of_paid.receivable_change == 0
    assert of_pending.receivable_change == of_paid.cash_change == Decimal("-61.50")
    assert of_pending.tax_change == of_paid.tax_change == Decimal("-20.50")
    assert cancel(of_paid.entitlement).is_replayed
    with pytest.raises(Conflict):
        pay(announced, of_pending.entitlement, PaymentRequest(today=PAY_DATE))


def test_cancelling_restores_the_anchor_unless_something_moved_it_since() -> None:
    entitlement = accrued(dividend())[0].entitlement
    assert anchor_after_cancel(Decimal("149.18"), entitlement) == Decimal(150)
    assert anchor_after_cancel(Decimal(147), entitlement) == Decimal(147)


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"dps": Decimal(0)}, "/dps"),
        ({"dps": Decimal("NaN")}, "/dps"),
        ({"pay_date": date(2025, 3, 19)}, "/pay_date"),
        ({"withholding_rate": Decimal("1.01")}, "/withholding_rate"),
    ],
)
def test_a_malformed_dividend_is_refused_with_a_pointer(
    terms: dict[str, object], pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        dividend(**terms)
    assert [fault.pointer for fault in refused.value.errors] == [pointer]


def test_s1_a_four_for_one_split_leaves_the_equity_unchanged() -> None:
    levels = SplitLevels(qty=Decimal(10), anchor_price=Decimal(200), avg_cost=Decimal(180))
    result = apply_split(Decimal(4), levels, tick=Decimal("0.0001"))
    after = result.levels
    assert after == SplitLevels(qty=Decimal(40), anchor_price=Decimal(50), avg_cost=Decimal(45))
    assert result.qty_change == 30
    assert result.qty_dropped == 0
    assert after.qty * Decimal(50) == levels.qty * Decimal(200)


def test_a_reverse_split_rescales_every_level_and_reports_what_is_below_a_step() -> None:
    levels = SplitLevels(
        qty=Decimal(15),
        high_water=Decimal("1.5"),
        low_water=Decimal("0.9"),
        stop=Decimal("0.9203"),
        targets=(Decimal("1.12"), Decimal("1.2501")),
    )
    result = apply_split(Decimal("0.1"), levels, tick=Decimal("0.01"), qty_step=Decimal(1))
    after = result.levels
    assert (after.qty, result.qty_dropped) == (Decimal(1), Decimal("0.5"))
    assert (after.high_water, after.low_water) == (Decimal(15), Decimal(9))
    assert after.stop == Decimal("9.20")
    assert after.targets == (Decimal("11.20"), Decimal("12.51"))
    assert after.anchor_price is None


def test_a_split_behind_a_fill_or_a_later_split_is_out_of_order() -> None:
    split = Split("spl_1", "AAPL", Decimal(4), EX_DATE)
    before, after = datetime(2025, 3, 19, tzinfo=UTC), datetime(2025, 3, 21, tzinfo=UTC)
    require_in_order(split, ex_session_opens_at=OPENS_AT, last_fill_at=before)
    require_in_order(split, ex_session_opens_at=OPENS_AT, last_fill_at=None)
    with pytest.raises(Conflict) as refused:
        require_in_order(split, ex_session_opens_at=OPENS_AT, last_fill_at=after)
    assert refused.value.code == "split_out_of_order"
    with pytest.raises(Conflict):
        require_in_order(
            split,
            ex_session_opens_at=OPENS_AT,
            last_fill_at=before,
            last_split_ex_date=date(2025, 3, 24),
        )


@pytest.mark.parametrize("ratio", ["1", "0", "-4", "NaN", "10001"])
def test_a_ratio_that_is_no_split_is_refused(ratio: str) -> None:
    with pytest.raises(Invalid) as refused:
        Split("spl_1", "AAPL", Decimal(ratio), EX_DATE)
    assert refused.value.errors[0].pointer == "/ratio"

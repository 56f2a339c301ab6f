"""Requests and answers of dividends and splits."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StrictBool

from app.api.portfolio.amounts import Fraction, Price, Symbol
from app.api.wire import AnswerModel, Day, Exact, Number, RequestModel
from domain.portfolio.dividend import DividendKind, EntitlementStatus

Reason = Annotated[str, Field(min_length=1, max_length=500)]


class DividendIn(RequestModel):
    """One payment; `dps` is gross per share. An unknown pay date stays null."""

    ticker: Symbol
    ex_date: Day
    dps: Price
    pay_date: Day | None = None
    kind: DividendKind = DividendKind.REGULAR
    withholding_rate: Fraction | None = None

    model_config = RequestModel.model_config | {
        "json_schema_extra": {
            "examples": [
                {"ticker": "ZIM", "ex_date": "2025-03-20", "dps": 0.82, "pay_date": "2025-04-03"}
            ]
        }
    }


class PaymentIn(RequestModel):
    """Paying before the pay date needs `early` with a reason; an unknown date needs `paid_on`."""

    early: StrictBool = False
    reason: Reason | None = None
    paid_on: Day | None = None

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{}, {"early": True, "reason": "broker paid"}]}
    }


class CancelIn(RequestModel):
    """Why the dividend is cancelled."""

    reason: Reason | None = None


class DividendOut(AnswerModel):
    """An announced dividend; rates are fractions."""

    id: str
    ticker: str
    ex_date: date
    dps: Number
    currency: str
    pay_date: date | None
    kind: DividendKind
    withholding_rate: Number | None


class AnnouncedDividendOut(DividendOut):
    """`replayed` when it had been announced before with these terms."""

    replayed: bool


class EntitlementOut(AnswerModel):
    """What one position gets from one dividend; `net = gross − tax`."""

    entitlement_id: str
    dividend_id: str
    position_id: str
    status: EntitlementStatus
    shares_at_record: Number
    withholding_rate: Number
    gross: Number
    tax: Number
    net: Number
    anchor_before: Number | None
    anchor_after: Number | None
    paid_on: date | None
    early_reason: str | None


class PositionStepOut(EntitlementOut):
    """The entitlement after the step and the position's amounts; `replayed`: nothing was booked."""

    position_cash: Number
    position_receivable: Number
    dividends_received: Number
    anchor_price: Number | None
    replayed: bool


class DividendStepOut(AnswerModel):
    """What the step did, position by position; `replayed` when all of it was done before."""

    dividend_id: str
    ticker: str
    ex_date: date
    positions: list[PositionStepOut]
    replayed: bool


class PositionDividendOut(EntitlementOut):
    """An entitlement with the dividend's terms."""

    ticker: str
    ex_date: date
    dps: Number
    currency: str
    pay_date: date | None
    kind: DividendKind


class SplitIn(RequestModel):
    """`ratio` = new shares per old share: 4 for 4-for-1, 0.1 for 1-for-10."""

    ticker: Symbol
    ratio: Annotated[Exact, Field(gt=0, examples=[Decimal(4)])]
    ex_date: Day

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"ticker": "AAPL", "ratio": 4, "ex_date": "2020-08-31"}]}
    }


class SplitOut(AnswerModel):
    """An announced split."""

    id: str
    ticker: str
    ratio: Number
    ex_date: date


class AnnouncedSplitOut(SplitOut):
    """`replayed` when it had been announced before with this ratio."""

    replayed: bool


class PositionSplitOut(AnswerModel):
    """The position after the split; the changes are null when it had been applied before."""

    position_id: str
    qty: Number
    avg_cost: Number | None
    anchor_price: Number | None
    qty_change: Number | None
    qty_dropped: Number | None
    cancelled_orders: list[str]
    replayed: bool


class SplitAppliedOut(AnswerModel):
    """What the split did, position by position."""

    split_id: str
    ticker: str
    ratio: Number
    ex_date: date
    positions: list[PositionSplitOut]
    replayed: bool

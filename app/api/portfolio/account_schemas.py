"""Requests and answers of accounts, their cash and their ledger."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from app.api.portfolio.amounts import Cash, Fraction, Money
from app.api.wire import AnswerModel, Moment, Name, Number, RequestModel


class AccountIn(RequestModel):
    """A new account; its starting equity is a deposit."""

    name: Name
    base_currency: Annotated[str, Field(pattern=r"^[A-Z]{3,5}$")] = "USD"
    starting_equity: Cash = Decimal(100_000)
    calendar: Literal["XNYS", "24/7", "24/5"] = "XNYS"
    commission_rate: Fraction = Decimal(0)
    slippage: Fraction = Decimal(0)


class AccountChangeIn(RequestModel):
    """Fields to change; the rest stays."""

    name: Name | None = None
    commission_rate: Fraction | None = None
    slippage: Fraction | None = None


class StaleMarkOut(AnswerModel):
    """A holding valued at a price from before the last session that closed."""

    instrument: str
    price: Number | None
    source: str | None
    age_s: Number | None


class AccountOut(AnswerModel):
    """An account with its cash and value. Figures that do not exist are null with a reason.

    `nav` starts at 1 and knows no deposits or withdrawals; `drawdown` is its fraction below
    `high_water_mark`. Stale marks are used and listed.
    """

    id: str
    name: str
    mode: str
    book: str
    settlement: str
    base_currency: str
    starting_equity: Number
    calendar: str
    commission_rate: Number
    slippage: Number
    leverage_default: int
    status: str
    cash: Number
    available: Number
    reserved: Number
    cells_cash: Number
    receivable: Number
    stock_value: Number | None
    equity: Number | None
    nav: Number | None
    high_water_mark: Number | None
    drawdown: Number | None
    stale_marks: list[StaleMarkOut]
    reasons: dict[str, str]
    created_at: Moment
    version: int


class AccountCashIn(RequestModel):
    """Money into or out of an account."""

    amount: Money
    currency: Annotated[str, Field(pattern=r"^[A-Za-z]{3,5}$")] | None = None
    occurred_at: Moment | None = None
    note: Annotated[str, Field(max_length=500)] | None = None


class CashBalancesOut(AnswerModel):
    """Cash after the movement."""

    available: Number
    reserved: Number


class AccountCashOut(AnswerModel):
    """The booked transfer and the flow it is."""

    transfer_id: str
    flow_id: str
    balances: CashBalancesOut


class BalanceOut(AnswerModel):
    """One ledger bucket of an account or of one of its cells."""

    holder_id: str
    asset: str
    bucket: str
    amount: Number


class BalancesOut(AnswerModel):
    """All buckets of an account and of its cells; per asset they sum to zero."""

    account_id: str
    balances: list[BalanceOut]
    sums: dict[str, Number]


class TransferOut(AnswerModel):
    """One ledger transfer: amount of an asset from one bucket to another."""

    id: str
    kind: str
    phase: str
    asset: str
    amount: Number
    from_holder: str
    from_bucket: str
    to_holder: str
    to_bucket: str
    cause_type: str
    cause_id: str
    occurred_at: Moment

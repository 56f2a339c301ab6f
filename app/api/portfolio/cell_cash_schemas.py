"""Cash into and out of a cell: bodies and answers."""

from typing import Literal

from app.api.portfolio.amounts import Money
from app.api.wire import AnswerModel, Number, RequestModel


class CashIn(RequestModel):
    """Money into or out of a cell."""

    amount: Money
    source: Literal["external", "account"] = "external"


class CellCashOut(AnswerModel):
    """The booked transfer and the cell's cash after it."""

    transfer_id: str
    flow_id: str | None
    position_id: str
    cash: Number
    available: Number
    reserved: Number
    version: int

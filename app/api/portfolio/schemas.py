"""Requests and answers of positions, orders and fills."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from app.api.wire import AnswerModel, Exact, Moment, Name, Number, RequestModel
from domain.plans.balancing_plan import (
    BalancingPlan,
    Band,
    BelowMinimum,
    OrderPolicy,
    PlanMode,
    Sizing,
    TradingHours,
)
from domain.portfolio.order import OrderType, TimeInForce
from domain.shared.decimals import decimals_of
from domain.shared.errors import FieldFault, Invalid
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


Quantity = Annotated[Exact, Field(gt=0, lt=QUANTITY_BELOW), _scale(QUANTITY_DECIMALS)]
Holding = Annotated[Exact, Field(ge=0, lt=QUANTITY_BELOW), _scale(QUANTITY_DECIMALS)]
Cash = Annotated[Exact, Field(ge=0, lt=CASH_BELOW), _scale(CASH_DECIMALS)]
Money = Annotated[Exact, Field(gt=0, lt=CASH_BELOW), _scale(CASH_DECIMALS)]
Price = Annotated[Exact, Field(gt=0, lt=PRICE_BELOW), _scale(QUANTITY_DECIMALS)]
Fraction = Annotated[Exact, Field(ge=0, le=1)]
Symbol = Annotated[str, Field(min_length=1, max_length=64, examples=["ZIM"])]
AnySide = Annotated[
    Side, BeforeValidator(lambda v: v.upper() if isinstance(v, str) else v), Field(examples=["BUY"])
]
AnyOrderType = Annotated[OrderType, BeforeValidator(lambda v: "stop_market" if v == "stop" else v)]


class BandIn(RequestModel):
    """Allowed share of stock in equity, fractions."""

    min: Exact = Band().min
    max: Exact = Band().max


class OrderPolicyIn(RequestModel):
    """Smallest sensible automatic proposal."""

    min_qty: Exact = OrderPolicy().min_qty
    min_notional: Exact = OrderPolicy().min_notional
    qty_step: Exact = OrderPolicy().qty_step
    action_below_min: BelowMinimum = OrderPolicy().action_below_min


_D = BalancingPlan()


class BalancingPlanIn(RequestModel):
    """Settings of a cell; every number is a fraction (0.03 is 3 %)."""

    kind: Literal["balancing"] = "balancing"
    up_threshold: Exact = _D.up_threshold
    down_threshold: Exact = _D.down_threshold
    sizing: Sizing = _D.sizing
    rebalance_ratio: Exact = _D.rebalance_ratio
    band: BandIn = Field(default_factory=BandIn)
    max_trade_fraction: Exact = _D.max_trade_fraction
    max_orders_per_day: StrictInt = _D.max_orders_per_day
    order_policy: OrderPolicyIn = Field(default_factory=OrderPolicyIn)
    commission_rate: Exact = _D.commission_rate
    hours: TradingHours = _D.hours
    auto_rebalance: StrictBool = _D.auto_rebalance
    mode: PlanMode = _D.mode

    def to_plan(self) -> BalancingPlan:
        """The validated plan; Invalid `invalid_plan` with pointers."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        fields.pop("kind")
        band, policy = fields.pop("band"), fields.pop("order_policy")
        return BalancingPlan(
            **fields,
            band=Band(band.min, band.max),
            order_policy=OrderPolicy(
                policy.min_qty, policy.min_notional, policy.qty_step, policy.action_below_min
            ),
        )


class BandOut(AnswerModel):
    """The band, fractions."""

    min: Number
    max: Number


class OrderPolicyOut(AnswerModel):
    """Minimums of automatic proposals."""

    min_qty: Number
    min_notional: Number
    qty_step: Number
    action_below_min: BelowMinimum


class BalancingPlanOut(AnswerModel):
    """Settings of a cell as stored; thresholds are positive magnitudes."""

    kind: Literal["balancing"] = "balancing"
    up_threshold: Number
    down_threshold: Number
    sizing: Sizing
    rebalance_ratio: Number
    band: BandOut
    max_trade_fraction: Number
    max_orders_per_day: int
    order_policy: OrderPolicyOut
    commission_rate: Number
    hours: TradingHours
    auto_rebalance: bool
    mode: PlanMode


class PositionIn(RequestModel):
    """A new cell: a stock with its own cash reserve."""

    ticker: Symbol
    qty: Holding = Field(default=Decimal(0), examples=[0.0])
    cash: Cash = Field(default=Decimal(0), examples=[10000.0])
    account_id: str | None = Field(default=None, max_length=64)
    anchor_price: Price | None = None
    avg_cost: Price | None = None
    funding: Literal["deposit", "account"] = "deposit"
    venue: str = Field(default="manual", max_length=32)
    withholding_rate: Fraction | None = None
    plan: BalancingPlanIn | None = Field(default_factory=BalancingPlanIn)

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"ticker": "ZIM", "qty": 0.0, "cash": 10000.0}]}
    }


class PlanChangeIn(RequestModel):
    """New plan settings; fields left out keep their value, `plan: null` removes the plan."""

    plan: dict[str, Any] | None = Field(examples=[{"up_threshold": 0.05}])


class PositionOut(AnswerModel):
    """A position with what can be derived from it. Fields that do not exist are null with
    a reason.
    """

    id: str
    ticker: str
    qty: Number
    cash: Number
    account_id: str
    venue: str
    currency: str
    calendar: str
    is_cell: bool
    status: str
    avg_cost: Number | None
    receivable: Number
    realized_pnl: Number | None
    fees_paid: Number
    dividends_received: Number
    funding_paid: Number
    anchor_price: Number | None
    high_water: Number | None
    low_water: Number | None
    price: Number | None
    price_source: str | None
    price_as_of: Moment | None
    equity: Number | None
    unrealized_pnl: Number | None
    stock_fraction: Number | None
    plan: BalancingPlanOut | None
    withholding_rate: Number | None
    opened_at: Moment
    closed_at: Moment | None
    entry_session: date | None
    version: int
    reasons: dict[str, str]


class OrderIn(RequestModel):
    """An order for a position."""

    side: AnySide
    qty: Quantity
    order_type: AnyOrderType = OrderType.MARKET
    limit_price: Price | None = None
    stop_price: Price | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till: Moment | None = None
    note: Annotated[str, Field(max_length=500)] | None = None
    proposal_id: Annotated[str, Field(max_length=64)] | None = None
    confirm_duplicate: StrictBool = False

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"side": "BUY", "qty": 1.5}]}
    }


class CheckOut(AnswerModel):
    """One check of the gate."""

    code: str
    status: str
    severity: str
    limit_key: str | None
    limit: Number | None
    before: Number | None
    used: Number | None
    headroom: Number | None
    unit: str | None
    source: str | None
    data_quality: str | None
    reason: str | None


class ReservationOut(AnswerModel):
    """What the order holds back: cash for BUY, shares for SELL."""

    amount: Number | None
    price: Number | None
    reason: str | None


class SubmittedOut(AnswerModel):
    """An accepted order."""

    order_id: str
    accepted: bool
    position_id: str
    status: str
    client_order_id: str
    reservation: ReservationOut
    checks: list[CheckOut]


class OrderOut(AnswerModel):
    """An order: terms, state, and every check it was judged by."""

    id: str
    client_order_id: str
    account_id: str
    position_id: str
    instrument: str
    venue: str
    side: Side
    order_type: OrderType
    qty: Number
    limit_price: Number | None
    stop_price: Number | None
    time_in_force: TimeInForce
    good_till: Moment | None
    reduce_only: bool
    intent: str
    origin: str
    commission_rate: Number
    note: str | None
    status: str
    filled_qty: Number
    remaining_qty: Number
    avg_fill_price: Number | None
    fees: Number
    reserved: Number | None
    reason: str | None
    rejected_by: str | None
    checks: list[CheckOut]
    evaluation_id: str | None
    created_at: Moment
    updated_at: Moment
    version: int


class FillIn(RequestModel):
    """An execution, as the broker reported it. `qty` is an alias of `filled_qty`."""

    price: Price
    filled_qty: Quantity | None = None
    qty: Quantity | None = None
    commission: Cash | None = None
    executed_at: Moment | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"price": 20, "filled_qty": 1.5, "commission": 0}]}
    }


class FilledOut(AnswerModel):
    """The order and the position after the execution."""

    order_id: str
    status: str
    position_qty: Number
    position_cash: Number
    fill_id: str
    filled_qty: Number
    remaining_qty: Number
    avg_fill_price: Number | None
    anchor_price: Number | None
    replayed: bool


class FillOut(AnswerModel):
    """One execution."""

    id: str
    order_id: str
    position_id: str
    venue: str
    side: Side
    qty: Number
    price: Number
    fee: Number
    fee_currency: str
    liquidity: str
    external_id: str | None
    realized_pnl: Number | None
    anchor_before: Number | None
    executed_at: Moment
    recorded_at: Moment


class CancelledOut(AnswerModel):
    """Whether the order was cancelled by this call, and its state."""

    cancelled: bool
    status: str


class PositionEventOut(AnswerModel):
    """What happened to the position, with what the decision saw and what came of it."""

    id: str
    seq: int
    type: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    message: str
    ts: Moment


class PositionEventsOut(AnswerModel):
    """Events of one position, oldest first."""

    position_id: str
    events: list[PositionEventOut]
    next_cursor: str | None


class AnchorIn(RequestModel):
    """A new balancing reference and why."""

    price: Price
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class CloseIn(RequestModel):
    """How much of the position to sell; a price makes it a limit order."""

    fraction: Annotated[Exact, Field(gt=0, le=1)] = Decimal(1)
    price: Price | None = None


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


class AccountIn(RequestModel):
    """A new account; its starting equity is a deposit."""

    name: Name
    base_currency: Annotated[str, Field(pattern=r"^[A-Z]{3,5}$")] = "USD"
    starting_equity: Cash = Decimal(100_000)
    calendar: Annotated[str, Field(max_length=32)] = "XNYS"
    commission_rate: Fraction = Decimal(0)
    slippage: Fraction = Decimal(0)


def merged_plan(current: BalancingPlan | None, change: PlanChangeIn) -> BalancingPlan | None:
    """Merge patch of a plan: named fields replace, null removes the plan; Invalid with pointers."""
    if change.plan is None:
        return None
    known: dict[str, Any] = {} if current is None else asdict(current)
    merged = {**known, **change.plan}
    for nested in ("band", "order_policy"):
        if isinstance(change.plan.get(nested), dict) and nested in known:
            merged[nested] = {**known[nested], **change.plan[nested]}
    try:
        return BalancingPlanIn.model_validate(merged).to_plan()
    except ValidationError as error:
        faults = tuple(
            FieldFault("/plan/" + "/".join(map(str, item["loc"])), item["type"], item["msg"])
            for item in error.errors()
        )
        raise Invalid("invalid_plan", "The plan is malformed.", errors=faults) from None


class AccountChangeIn(RequestModel):
    """Fields to change; the rest stays."""

    name: Name | None = None
    commission_rate: Fraction | None = None
    slippage: Fraction | None = None


class AccountOut(AnswerModel):
    """An account with its cash and value. Figures that do not exist are null with a reason."""

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
    drawdown: Number | None
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

"""A position: one instrument, one owner, one plan. A cell also owns its cash reserve."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.plans.balancing_plan import BalancingPlan
from domain.plans.plan import stock_fraction
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.portfolio.cost_basis import CostBasis
from domain.portfolio.ledger import Bucket, LedgerKey
from domain.shared.decimals import ZERO, cash, fraction


class PositionStatus(StrEnum):
    """`closed` is final; a new trade is a new position. `paused`: the plan is not run."""

    PENDING = "pending"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


MANUAL_VENUE = "manual"
Plan = BalancingPlan | RegimeExitPlan


FLAT = CostBasis()


@dataclass(frozen=True, slots=True)
class Position:
    """State of record; every change is a new value with the next version. A new one is flat.

    `cash` is settled cash of a cell (available + reserved), 0 for a position its account pays for.
    `opening_price` is the cost per share of what arrived in kind, null when nobody gave one.
    `mark_price` is the newest price a caller reported for it, and `marked_at` when.
    `anchored_at` is when the anchor was set: the end of the order it comes from, by its executions.
    """

    id: str
    owner_id: str
    account_id: str
    instrument: str
    currency: str
    calendar: str
    venue: str
    is_cell: bool
    status: PositionStatus
    opened_at: datetime
    plan: Plan | None = None
    basis: CostBasis = FLAT
    opening_price: Decimal | None = None
    cash: Decimal = ZERO
    receivable: Decimal = ZERO
    dividends_received: Decimal = ZERO
    funding_paid: Decimal = ZERO
    anchor_price: Decimal | None = None
    high_water: Decimal | None = None
    low_water: Decimal | None = None
    last_fill_price: Decimal | None = None
    closed_at: datetime | None = None
    entry_session: date | None = None
    withholding_rate: Decimal | None = None
    last_executed_at: datetime | None = None
    mark_price: Decimal | None = None
    marked_at: datetime | None = None
    anchored_at: datetime | None = None
    version: int = 1

    @property
    def qty(self) -> Decimal:
        """Signed quantity; ≥ 0 in cash accounts."""
        return self.basis.qty

    @property
    def balancing_plan(self) -> BalancingPlan | None:
        """The plan when it balances the position around its anchor."""
        return self.plan if isinstance(self.plan, BalancingPlan) else None

    @property
    def exit_plan(self) -> RegimeExitPlan | None:
        """The plan when it holds stop and targets of a trade."""
        return self.plan if isinstance(self.plan, RegimeExitPlan) else None

    @property
    def ends_when_flat(self) -> bool:
        """A plan that opened the position ends it with its last share; a cell lives on."""
        return self.plan is not None and not isinstance(self.plan, BalancingPlan)

    @property
    def effective_cash(self) -> Decimal:
        """Cash plus net dividends accrued and not yet paid; what sizing and allocation use."""
        return self.cash + self.receivable

    def equity(self, price: Decimal | None) -> Decimal | None:
        """qty·price + effective cash; null when shares are held and no price is known."""
        if self.qty == 0:
            return self.effective_cash
        return None if price is None else cash(self.qty * price) + self.effective_cash

    def stock_fraction(self, price: Decimal | None) -> Decimal | None:
        """qty·price / equity, 10 decimals; null without a price or with no equity."""
        if self.qty == 0:
            return ZERO if self.effective_cash else None
        if price is None:
            return None
        share = stock_fraction(self.qty, self.effective_cash, price)
        return None if share is None else fraction(share)

    @property
    def holders(self) -> tuple[str, ...]:
        """Whose ledger balances an order of this position can touch."""
        return (self.id,) if self.is_cell else (self.id, self.account_id)

    def key(self, bucket: Bucket, asset: str) -> LedgerKey:
        """Ledger account of this position's holder: the cell itself, or the account that pays."""
        holder = self.id if self.is_cell else self.account_id
        return LedgerKey(self.account_id, holder, asset, bucket)

    def cash_key(self, bucket: Bucket) -> LedgerKey:
        """Cash bucket in the account's currency."""
        return self.key(bucket, self.currency)

    def share_key(self, bucket: Bucket) -> LedgerKey:
        """Inventory bucket; shares always belong to the position itself."""
        return LedgerKey(self.account_id, self.id, self.instrument, bucket)

"""An account owns cash; positions are held in it and, unless they are cells, paid by it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.shared.decimals import ZERO


class AccountMode(StrEnum):
    """`live` only through the approval gate; set at creation, never changed."""

    PAPER = "paper"
    LIVE = "live"


class Settlement(StrEnum):
    """`cash`: long only, full payment. `margin`: linear, one-way net, isolated margin."""

    CASH = "cash"
    MARGIN = "margin"


class Book(StrEnum):
    """Which set of tables holds the account's positions, orders, fills and transfers."""

    MAIN = "main"
    SIMULATION = "simulation"


class TradingState(StrEnum):
    """Least to most restrictive; the most restrictive live hold wins."""

    ACTIVE = "active"
    PAUSED = "paused"
    REDUCE_ONLY = "reduce_only"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Costs:
    """Fractions of notional, copied onto each order; a plan may override the commission."""

    commission_rate: Decimal = ZERO
    slippage: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Account:
    """Who owns which cash. Amounts live in the ledger; this is identity, terms and state."""

    id: str
    owner_id: str
    name: str
    mode: AccountMode
    settlement: Settlement
    base_currency: str
    starting_equity: Decimal
    calendar: str
    costs: Costs
    leverage_default: int
    status: TradingState
    created_at: datetime
    version: int = 1
    book: Book = Book.MAIN


MAIN_ACCOUNT_NAME = "main"
SIMULATION_ACCOUNT_NAME = "simulation"
FIXED_NAMES = frozenset({MAIN_ACCOUNT_NAME, SIMULATION_ACCOUNT_NAME})

"""What comes into an account or leaves it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.shared.decimals import ZERO


@dataclass(frozen=True, slots=True)
class SharesInKind:
    """Shares that arrive without being bought: a flow of what the account values them at, as soon
    as it can. What they once cost is no price.
    """

    position_id: str
    instrument: str
    qty: Decimal


@dataclass(frozen=True, slots=True)
class Flow:
    """What comes (+) or goes (−) at `at`, null for now."""

    amount: Decimal = ZERO
    at: datetime | None = None
    shares: SharesInKind | None = None

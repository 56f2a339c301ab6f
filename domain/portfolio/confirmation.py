"""An order that waits for a person: confirmed, rejected, or gone when its time is over."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.shared.decimals import ONE, divide, plain
from domain.shared.errors import Conflict, Gone
from domain.shared.instants import rfc3339

TTL = timedelta(seconds=300)
PENDING_MAX = 100
DRIFT_MAX = Decimal("0.005")


class ConfirmationStatus(StrEnum):
    """`pending` until somebody answers or the time is over."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """`request` is the order as it would be submitted, `reference_price` what it was judged at."""

    id: str
    owner_id: str
    run_id: str
    instrument: str
    request: Mapping[str, object] = field(hash=False)
    reference_price: Decimal
    created_at: datetime
    expires_at: datetime
    status: ConfirmationStatus = ConfirmationStatus.PENDING
    decided_at: datetime | None = None
    order_id: str | None = None
    reason: str | None = None
    version: int = 1

    def status_at(self, now: datetime) -> ConfirmationStatus:
        """Status with the passing of time: a pending one past its end has expired."""
        if self.status is ConfirmationStatus.PENDING and now >= self.expires_at:
            return ConfirmationStatus.EXPIRED
        return self.status

    def require_pending(self, now: datetime) -> None:
        """Gone `confirmation_expired` after its end, Conflict `confirmation_decided` when it was
        answered.
        """
        status = self.status_at(now)
        if status is ConfirmationStatus.EXPIRED:
            raise Gone(
                "confirmation_expired",
                f"The request expired at {rfc3339(self.expires_at)}.",
                context={"expires_at": rfc3339(self.expires_at)},
            )
        if status is not ConfirmationStatus.PENDING:
            raise Conflict("confirmation_decided", f"The request was {status.value}.")

    def require_near(self, price: Decimal) -> None:
        """Conflict `price_drifted` when the price moved more than 0.005 since it was judged."""
        drift = abs(divide(price, self.reference_price) - ONE)
        if drift > DRIFT_MAX:
            raise Conflict(
                "price_drifted",
                f"The price moved from {plain(self.reference_price)} to {plain(price)}.",
                context={"reference_price": self.reference_price, "price": price},
            )

    def decided(
        self,
        status: ConfirmationStatus,
        now: datetime,
        *,
        reason: str | None = None,
        order_id: str | None = None,
    ) -> "ConfirmationRequest":
        """Answered, or ended by time."""
        return replace(
            self,
            status=status,
            decided_at=now,
            reason=reason,
            order_id=order_id,
            version=self.version + 1,
        )

    def extended(self, now: datetime) -> "ConfirmationRequest":
        """Waiting for the whole time again, from now on."""
        return replace(self, expires_at=now + TTL, version=self.version + 1)

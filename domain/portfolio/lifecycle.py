"""Order state machine as data: a blank cell of the table is an illegal move, never a guess."""

from enum import StrEnum

from domain.shared.errors import Defect


class OrderStatus(StrEnum):
    """States of an order; the last four are terminal."""

    PENDING_SUBMIT = "pending_submit"
    SUBMITTING = "submitting"
    WORKING = "working"
    PARTIALLY_FILLED = "partially_filled"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def is_terminal(self) -> bool:
        """True when nothing but a late fill can still happen."""
        return self in TERMINAL


class OrderFact(StrEnum):
    """What the outside world, or the gate, says happened."""

    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    PARTIAL_FILL = "partial_fill"
    FULL_FILL = "full_fill"
    CANCEL_CONFIRMED = "cancel_confirmed"
    EXPIRED = "expired"


S, F = OrderStatus, OrderFact

TERMINAL = frozenset({S.FILLED, S.CANCELLED, S.EXPIRED, S.REJECTED})
OPEN_STATUSES = frozenset(OrderStatus) - TERMINAL
LATE_FILL_STATUSES = frozenset({S.CANCELLED, S.EXPIRED, S.REJECTED})

_FILLS_AND_ENDS = {
    F.PARTIAL_FILL: S.PARTIALLY_FILLED,
    F.FULL_FILL: S.FILLED,
    F.CANCEL_CONFIRMED: S.CANCELLED,
    F.EXPIRED: S.EXPIRED,
}

TRANSITIONS: dict[tuple[OrderStatus, OrderFact], OrderStatus] = {
    (S.PENDING_SUBMIT, F.CLAIMED): S.SUBMITTING,
    (S.PENDING_SUBMIT, F.REFUSED): S.REJECTED,
    (S.PENDING_SUBMIT, F.CANCEL_CONFIRMED): S.CANCELLED,
    (S.PENDING_SUBMIT, F.EXPIRED): S.EXPIRED,
    (S.SUBMITTING, F.ACCEPTED): S.WORKING,
    (S.SUBMITTING, F.REFUSED): S.REJECTED,
    (S.SUBMITTING, F.NO_ANSWER): S.UNKNOWN,
    (S.WORKING, F.ACCEPTED): S.WORKING,
    (S.UNKNOWN, F.ACCEPTED): S.WORKING,
    (S.UNKNOWN, F.REFUSED): S.REJECTED,
    (S.UNKNOWN, F.NO_ANSWER): S.UNKNOWN,
    **{
        (state, fact): after
        for state in (S.SUBMITTING, S.WORKING, S.PARTIALLY_FILLED, S.UNKNOWN)
        for fact, after in _FILLS_AND_ENDS.items()
    },
    **{(state, F.PARTIAL_FILL): state for state in LATE_FILL_STATUSES},
    **{(state, F.FULL_FILL): S.FILLED for state in LATE_FILL_STATUSES},
}


def next_status(status: OrderStatus, fact: OrderFact) -> OrderStatus:
    """State after the fact; Defect `illegal_transition` for a blank cell."""
    after = TRANSITIONS.get((status, fact))
    if after is None:
        raise Defect(
            "illegal_transition",
            f"An order in state {status} cannot take the fact {fact}.",
            context={"status": status.value, "fact": fact.value},
        )
    return after


def is_late_fill(status: OrderStatus, fact: OrderFact) -> bool:
    """A fill that arrives after the order ended is booked all the same, flagged and alerted."""
    return status in LATE_FILL_STATUSES and fact in (F.PARTIAL_FILL, F.FULL_FILL)

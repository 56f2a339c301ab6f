"""The one event root: facts in the past tense, appended to the log in the transaction of their
effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact about one aggregate, before the log gives it a sequence number and a hash.

    `data` holds JSON values only (Decimal for numbers): `inputs` the decision saw, `outputs` it
    produced, and a sentence for people in `message`.
    """

    type: str
    aggregate_type: str
    aggregate_id: str
    account_id: str | None
    data: Mapping[str, object]
    occurred_at: datetime
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as the append-only log holds it; `hash` = SHA-256(previous hash ‖ canonical
    JSON).
    """

    seq: int
    id: str
    type: str
    schema_version: int
    occurred_at: datetime
    recorded_at: datetime
    owner_id: str
    actor: str
    request_id: str
    account_id: str | None
    aggregate_type: str
    aggregate_id: str
    aggregate_seq: int
    data: Mapping[str, object] = field(hash=False)
    hash: str = ""


def explained(
    message: str, *, inputs: Mapping[str, object], outputs: Mapping[str, object]
) -> dict[str, object]:
    """Event data in the shape every reader gets: what was seen, what came of it, and a sentence."""
    return {"message": message, "inputs": dict(inputs), "outputs": dict(outputs)}

"""An event log in memory, for tests of what follows it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from domain.shared.events import LoggedEvent

AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


class RecordedLog:
    """`EventLog` on a list; `pages_read` counts the reads of single owners."""

    def __init__(self) -> None:
        self.events: list[LoggedEvent] = []
        self.pages_read = 0

    def append(self, owner_id: str = "usr_1", kind: str = "order_filled") -> int:
        seq = len(self.events) + 1
        self.events.append(
            LoggedEvent(
                seq=seq,
                id=f"evt_{seq}",
                type=kind,
                schema_version=1,
                occurred_at=AT,
                recorded_at=AT,
                owner_id=owner_id,
                actor=owner_id,
                request_id="req_1",
                account_id=None,
                aggregate_type="position",
                aggregate_id="pos_1",
                aggregate_seq=seq,
                data={"message": "", "inputs": {}, "outputs": {}},
            )
        )
        return seq

    def after(self, seq: int, limit: int) -> Sequence[LoggedEvent]:
        return self.events[seq : seq + limit]

    def of_owner_after(self, owner_id: str, seq: int, limit: int) -> Sequence[LoggedEvent]:
        self.pages_read += 1
        return [e for e in self.events if e.seq > seq and e.owner_id == owner_id][:limit]

    def last_seq(self) -> int:
        return len(self.events)

"""Answers of the event log."""

from typing import Any

from pydantic import Field

from app.api.wire import AnswerModel, Moment, encode
from domain.shared.events import LoggedEvent


class EventOut(AnswerModel):
    """One fact of the append-only log; `hash` chains it to the event before."""

    seq: int
    id: str
    type: str
    schema_version: int
    occurred_at: Moment
    recorded_at: Moment
    actor: str
    request_id: str
    account_id: str | None
    aggregate_type: str
    aggregate_id: str
    aggregate_seq: int
    data: dict[str, Any] = Field(description="`message`, `inputs` and `outputs` of the fact.")
    hash: str


class EventsOut(AnswerModel):
    """A page of the log. Ask again with `after_seq` for what follows, now or later."""

    items: list[EventOut]
    after_seq: int = Field(description="Continue from here; unchanged when nothing is newer.")
    has_more: bool


def event_out(event: LoggedEvent) -> EventOut:
    """An event."""
    return EventOut.model_construct(
        **{name: getattr(event, name) for name in EventOut.model_fields}
    )


def encoded(event: LoggedEvent) -> bytes:
    """An event as JSON text, the same in pages and streams."""
    return encode(event_out(event))

"""The event log: pages by sequence number, and the same events as they happen."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.dependencies import Reader, Runs, use
from app.api.events import schemas as s
from app.api.paging import LIMIT_MAX, next_link
from app.api.routing import capability_router, refusals
from app.stream.event_hub import EventHub
from application.ports.repositories import EventFilter
from domain.shared.errors import BadInput

router = capability_router("events")
SEQ_MAX = 2**63 - 1
TYPES_MAX = 50
HEARTBEAT = b": still here\n\n"
HELLO = b"retry: 2000\n: connected\n\n"

AfterSeq = Annotated[
    int | None, Query(ge=0, le=SEQ_MAX, description="Only events after this sequence number.")
]
EventType = Annotated[str, Query(max_length=64, pattern="^[a-z][a-z0-9_]*$")]
Hub = Annotated[EventHub, Depends(use(EventHub))]


@router.get(
    "/events",
    operation_id="list_events",
    summary="What happened, oldest first: audit trail and outbox in one",
    responses=refusals(),
)
async def list_events(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    after_seq: AfterSeq = None,
    event_type: Annotated[
        list[EventType] | None,
        Query(alias="type", max_length=TYPES_MAX, description="Repeat for several types."),
    ] = None,
    aggregate_id: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
) -> s.EventsOut:
    start = after_seq or 0
    where = EventFilter(start, tuple(event_type or ()), aggregate_id, limit + 1)
    found = await runs.query(request, caller, lambda work: work.events.list(where))
    page = found[:limit]
    reached = page[-1].seq if page else start
    has_more = len(found) > limit
    if has_more:
        response.headers["Link"] = next_link(request, after_seq=reached)
    items = [s.event_out(event) for event in page]
    return s.EventsOut(items=items, after_seq=reached, has_more=has_more)


@router.get(
    "/events/stream",
    operation_id="stream_events",
    summary="Server-sent events: every event as it happens, without gaps",
    response_class=StreamingResponse,
    response_model=None,
    responses=refusals("400 invalid_last_event_id")
    | {
        200: {
            "description": "Begins after `Last-Event-ID`, else after `after_seq`, else with the "
            "next event. A comment is sent every 15 s of silence.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'id: 42\nevent: order_filled\ndata: {"seq":42}\n\n',
                }
            },
        }
    },
)
async def stream_events(
    caller: Reader,
    hub: Hub,
    after_seq: AfterSeq = None,
    last_event_id: Annotated[
        str | None, Header(description="Sequence number of the last event received.")
    ] = None,
) -> StreamingResponse:
    start = after_seq if last_event_id is None else _seq_of(last_event_id)
    return StreamingResponse(
        _sse(hub, caller.owner_id, start),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _sse(hub: EventHub, owner_id: str, start: int | None) -> AsyncIterator[bytes]:
    async with hub.listen(owner_id, start) as listener:
        yield HELLO
        async for frames in listener.batches():
            yield b"".join(frame.sse for frame in frames) or HEARTBEAT


def _seq_of(last_event_id: str) -> int:
    text = last_event_id.strip()
    if text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= SEQ_MAX:
        return int(text)
    raise BadInput("invalid_last_event_id", "Last-Event-ID is the id of an event received before.")

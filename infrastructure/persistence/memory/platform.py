"""Events, idempotent answers, evaluations and instruments in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from application.context import RequestContext
from application.ports.plan_runner_book import PlanRunnerState
from application.ports.repositories import (
    EventFilter,
    Page,
    RegisteredInstrument,
    StoredAnswer,
    StoredEvaluation,
)
from domain.plans.evaluation_row import EvaluationMode
from domain.shared.canonical import canonical_json
from domain.shared.errors import NotFound
from domain.shared.events import LoggedEvent, NewEvent
from domain.shared.ids import Prefix
from infrastructure.ids import UuidIds
from infrastructure.persistence.event_log import GENESIS, link
from infrastructure.persistence.memory.tables import BookTables, Owned, Tables, page_of
from infrastructure.persistence.types import from_json, to_json


class MemoryEvents:
    """`Events` in memory: gapless, hash-chained like the stored log."""

    def __init__(self, tables: Tables, context: RequestContext, now: datetime) -> None:
        self._rows = tables.events
        self._aggregates = tables.aggregates
        self._context = context
        self._now = now

    def append(self, events: Sequence[NewEvent]) -> Sequence[LoggedEvent]:
        return [self._logged(item) for item in events]

    def _logged(self, item: NewEvent) -> LoggedEvent:
        seq = len(self._rows) + 1
        newest = self._rows.get(seq - 1)
        number = (self._aggregates.get(item.aggregate_id) or 0) + 1
        text = canonical_json(item.data)
        event = LoggedEvent(
            seq=seq,
            id=UuidIds().new(Prefix.EVENT),
            type=item.type,
            schema_version=item.schema_version,
            occurred_at=item.occurred_at,
            recorded_at=self._now,
            owner_id=self._context.owner_id,
            actor=self._context.actor,
            request_id=self._context.request_id,
            account_id=item.account_id,
            aggregate_type=item.aggregate_type,
            aggregate_id=item.aggregate_id,
            aggregate_seq=number,
            data=from_json(text),
        )
        event = replace(event, hash=link(newest.hash if newest else GENESIS, event, text))
        self._rows.add(seq, event)
        self._aggregates.put(item.aggregate_id, number)
        return event

    def list(self, where: EventFilter) -> Sequence[LoggedEvent]:
        found = (
            event
            for seq, event in sorted(self._rows.items())
            if seq > where.after_seq
            and event.owner_id == self._context.owner_id
            and (not where.types or event.type in where.types)
            and where.aggregate_id in (None, event.aggregate_id)
        )
        return [event for event, _ in zip(found, range(where.limit), strict=False)]

    def last_seq(self) -> int:
        return len(self._rows)


class MemoryIdempotentAnswers:
    """`IdempotentAnswers` in memory."""

    def __init__(self, tables: Tables, context: RequestContext, now: datetime) -> None:
        self._rows = tables.answers
        self._owner_id = context.owner_id
        self._now = now

    def find(self, scope: str, key: str) -> StoredAnswer | None:
        row = self._rows.get((self._owner_id, scope, key))
        return None if row is None else row.value

    def store(self, scope: str, key: str, answer: StoredAnswer) -> None:
        row = Owned(self._owner_id, answer, at=self._now)
        self._rows.add((self._owner_id, scope, key), row)

    def forget_before(self, instant: datetime, limit: int) -> int:
        old = [(row.at, k) for k, row in self._rows.items() if row.at and row.at < instant]
        oldest = sorted(old)[:limit]
        for _, key in oldest:
            self._rows.drop(key)
        return len(oldest)


class MemoryEvaluations:
    """`Evaluations` in memory."""

    def __init__(self, tables: BookTables, context: RequestContext) -> None:
        self._rows = tables.evaluations
        self._owner_id = context.owner_id

    def add(self, evaluation: StoredEvaluation) -> None:
        self._rows.add(evaluation.id, Owned(self._owner_id, _as_stored(evaluation)))

    def get(self, evaluation_id: str) -> StoredEvaluation:
        row = self._rows.get(evaluation_id)
        if row is None or row.owner_id != self._owner_id:
            raise NotFound("evaluation_not_found", f"No evaluation {evaluation_id}.")
        return row.value

    def save_outcome(self, evaluation: StoredEvaluation) -> None:
        row = self._rows.get(evaluation.id)
        if row is not None:
            outcome = _as_stored(evaluation)
            changed = replace(row.value, order_id=outcome.order_id, document=outcome.document)
            self._rows.put(evaluation.id, replace(row, value=changed))

    def last_automatic(self, position_id: str) -> StoredEvaluation | None:
        mine = (
            row.value
            for row in self._rows.values()
            if row.owner_id == self._owner_id
            and row.value.position_id == position_id
            and row.value.mode != EvaluationMode.MANUAL
        )
        return max(mine, key=lambda evaluation: evaluation.id, default=None)

    def list(
        self,
        position_id: str,
        page: Page,
        *,
        action: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Sequence[StoredEvaluation]:
        rows = (
            row.value
            for row in self._rows.values()
            if row.owner_id == self._owner_id
            and row.value.position_id == position_id
            and action in (None, row.value.action)
            and (start is None or row.value.at >= start)
            and (end is None or row.value.at < end)
        )
        return page_of(rows, lambda evaluation: evaluation.id, page)


def _as_stored(evaluation: StoredEvaluation) -> StoredEvaluation:
    return replace(evaluation, document=from_json(to_json(evaluation.document)))


class MemoryInstruments:
    """`Instruments` in memory."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.instruments

    def list(self) -> Sequence[RegisteredInstrument]:
        return sorted(self._rows.values(), key=lambda instrument: instrument.id)

    def find(self, instrument_id: str) -> RegisteredInstrument | None:
        return self._rows.get(instrument_id)

    def add(self, instrument: RegisteredInstrument) -> None:
        self._rows.add(instrument.id, instrument)


class MemoryPlanRunnerBook:
    """`PlanRunnerBook` in memory."""

    def __init__(self, tables: Tables, context: RequestContext) -> None:
        self._rows = tables.plan_runners
        self._owner_id = context.owner_id

    def read(self) -> PlanRunnerState:
        return self._rows.get(self._owner_id) or PlanRunnerState()

    def save(self, state: PlanRunnerState) -> None:
        self._rows.put(self._owner_id, state)

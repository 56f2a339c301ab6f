"""Evaluation rows on SQL: the document as explained, with the columns lists filter by."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from application.context import RequestContext
from application.ports.repositories import Page, StoredEvaluation
from domain.plans.evaluation_row import EvaluationMode
from domain.shared.errors import NotFound
from infrastructure.persistence.book_session import BookSession
from infrastructure.persistence.paging import paged
from infrastructure.persistence.session import Row
from infrastructure.persistence.tables.portfolio import evaluations

_INSERT = insert(evaluations)
_BY_ID = select(evaluations).where(
    evaluations.c.id == bindparam("id"), evaluations.c.owner_id == bindparam("owner_id")
)
_UPDATE = (
    update(evaluations)
    .where(evaluations.c.id == bindparam("key"))
    .values(order_id=bindparam("order_id"), row=bindparam("row"))
)


_LAST_AUTOMATIC = (
    select(evaluations)
    .where(
        evaluations.c.position_id == bindparam("position_id"),
        evaluations.c.owner_id == bindparam("owner_id"),
        evaluations.c.mode != EvaluationMode.MANUAL.value,
    )
    .order_by(evaluations.c.id.desc())
    .limit(1)
)


class SqlEvaluations:
    """`Evaluations` on SQL."""

    def __init__(self, session: BookSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def add(self, evaluation: StoredEvaluation) -> None:
        self._session.run(_INSERT, owner_id=self._owner_id, **_row(evaluation))

    def get(self, evaluation_id: str) -> StoredEvaluation:
        row = self._session.one(_BY_ID, id=evaluation_id, owner_id=self._owner_id)
        if row is None:
            raise NotFound("evaluation_not_found", f"No evaluation {evaluation_id}.")
        return _evaluation(row)

    def save_outcome(self, evaluation: StoredEvaluation) -> None:
        self._session.run(
            _UPDATE, key=evaluation.id, order_id=evaluation.order_id, row=evaluation.document
        )

    def last_automatic(self, position_id: str) -> StoredEvaluation | None:
        row = self._session.one(_LAST_AUTOMATIC, position_id=position_id, owner_id=self._owner_id)
        return None if row is None else _evaluation(row)

    def list(
        self,
        position_id: str,
        page: Page,
        *,
        action: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Sequence[StoredEvaluation]:
        query = select(evaluations).where(
            evaluations.c.position_id == position_id, evaluations.c.owner_id == self._owner_id
        )
        if action is not None:
            query = query.where(evaluations.c.action == action)
        if start is not None:
            query = query.where(evaluations.c.at >= start)
        if end is not None:
            query = query.where(evaluations.c.at < end)
        rows = self._session.built(paged(query, evaluations.c.id, page))
        return [_evaluation(row) for row in rows]


def _row(evaluation: StoredEvaluation) -> Row:
    return {
        "id": evaluation.id,
        "position_id": evaluation.position_id,
        "mode": evaluation.mode,
        "action": evaluation.action,
        "at": evaluation.at,
        "expires_at": evaluation.expires_at,
        "order_id": evaluation.order_id,
        "row": evaluation.document,
    }


def _evaluation(row: Row) -> StoredEvaluation:
    row.pop("owner_id")
    return StoredEvaluation(**{k: v for k, v in row.items() if k != "row"}, document=row["row"])

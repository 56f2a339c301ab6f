"""Orders that wait for a person, on SQL."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import bindparam, select, text

from application.context import RequestContext
from domain.portfolio.confirmation import ConfirmationRequest, ConfirmationStatus
from domain.shared.errors import NotFound
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.simulation import IS_WAITING, sim_confirmations
from infrastructure.persistence.upsert import upsert

_IS_OWNED = sim_confirmations.c.owner_id == bindparam("owner_id")
_BY_ID = select(sim_confirmations).where(sim_confirmations.c.id == bindparam("id"), _IS_OWNED)
_PENDING = (
    select(sim_confirmations).where(_IS_OWNED, text(IS_WAITING)).order_by(sim_confirmations.c.id)
)
_PUT = upsert(sim_confirmations)


class SqlConfirmations:
    """`Confirmations` on SQL."""

    def __init__(self, session: SqlSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def get(self, confirmation_id: str) -> ConfirmationRequest:
        row = self._session.one(_BY_ID, id=confirmation_id, owner_id=self._owner_id)
        if row is None:
            raise NotFound("confirmation_not_found", f"No request {confirmation_id}.")
        return _confirmation(row)

    def put(self, confirmation: ConfirmationRequest) -> None:
        self._session.run(_PUT[self._session.dialect_name], **asdict(confirmation))

    def pending(self) -> Sequence[ConfirmationRequest]:
        rows = self._session.all(_PENDING, owner_id=self._owner_id)
        return [_confirmation(row) for row in rows]


def _confirmation(row: Row) -> ConfirmationRequest:
    return ConfirmationRequest(**{**row, "status": ConfirmationStatus(row["status"])})

"""Idempotent answers and registered instruments on SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, tuple_

from application.context import RequestContext
from application.ports.repositories import RegisteredInstrument, StoredAnswer
from infrastructure.persistence.session import SqlSession
from infrastructure.persistence.tables.platform import idempotent_answers as answers
from infrastructure.persistence.tables.platform import instruments

_FIND = select(answers.c.signature, answers.c.status, answers.c.body, answers.c.media_type).where(
    answers.c.owner_id == bindparam("owner_id"),
    answers.c.scope == bindparam("scope"),
    answers.c.key == bindparam("key"),
)
_STORE = insert(answers)
_KEY = (answers.c.owner_id, answers.c.scope, answers.c.key)
_FORGET = delete(answers).where(
    tuple_(*_KEY).in_(
        select(*_KEY)
        .where(answers.c.created_at < bindparam("instant"))
        .order_by(answers.c.created_at)
        .limit(bindparam("most"))
    )
)
_KNOWN = "instrument"
_INSTRUMENT = select(instruments).where(instruments.c.id == bindparam("id"))
_INSTRUMENTS = select(instruments).order_by(instruments.c.id)
_ADD_INSTRUMENT = insert(instruments)


class SqlIdempotentAnswers:
    """`IdempotentAnswers` on SQL."""

    def __init__(self, session: SqlSession, context: RequestContext, now: datetime) -> None:
        self._session = session
        self._owner_id = context.owner_id
        self._now = now

    def find(self, scope: str, key: str) -> StoredAnswer | None:
        row = self._session.one(_FIND, owner_id=self._owner_id, scope=scope, key=key)
        return None if row is None else StoredAnswer(**{**row, "body": bytes(row["body"])})

    def store(self, scope: str, key: str, answer: StoredAnswer) -> None:
        self._session.run(
            _STORE,
            owner_id=self._owner_id,
            scope=scope,
            key=key,
            signature=answer.signature,
            status=answer.status,
            media_type=answer.media_type,
            body=answer.body,
            created_at=self._now,
        )

    def forget_before(self, instant: datetime, limit: int) -> int:
        return self._session.run(_FORGET, instant=instant, most=limit)


class SqlInstruments:
    """`Instruments` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def find(self, instrument_id: str) -> RegisteredInstrument | None:
        known: RegisteredInstrument | None = self._session.recall(_KNOWN, instrument_id)
        if known is not None:
            return known
        row = self._session.one(_INSTRUMENT, id=instrument_id)
        if row is None:
            return None
        row.pop("details")
        found = RegisteredInstrument(**row)
        self._session.remember(_KNOWN, instrument_id, found)
        return found

    def list(self) -> Sequence[RegisteredInstrument]:
        rows = self._session.all(_INSTRUMENTS)
        for row in rows:
            row.pop("details")
        return [RegisteredInstrument(**row) for row in rows]

    def add(self, instrument: RegisteredInstrument) -> None:
        self._session.run(
            _ADD_INSTRUMENT,
            **{name: getattr(instrument, name) for name in instrument.__slots__},
            details=None,
        )

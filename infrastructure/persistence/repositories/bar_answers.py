"""Answers to bars on SQL."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import bindparam, delete, insert, select, update

from infrastructure.persistence.session import SqlSession
from infrastructure.persistence.tables.portfolio import bar_answers

_OF_POSITION = bar_answers.c.position_id == bindparam("position")
_FIND = select(bar_answers).where(
    _OF_POSITION,
    bar_answers.c.session == bindparam("day"),
    bar_answers.c.signature == bindparam("signature_sent"),
)
_INSERT = insert(bar_answers)
_REPLACE = (
    update(bar_answers)
    .where(
        _OF_POSITION,
        bar_answers.c.session == bindparam("day"),
        bar_answers.c.signature == bindparam("signature_sent"),
    )
    .values(answer=bindparam("answer_given"))
)
_FORGET = delete(bar_answers).where(_OF_POSITION, bar_answers.c.session < bindparam("day"))


class SqlBarAnswers:
    """`BarAnswers` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def find(self, position_id: str, session: date, signature: str) -> Mapping[str, object] | None:
        row = self._session.one(_FIND, position=position_id, day=session, signature_sent=signature)
        return None if row is None else row["answer"]

    def put(
        self, position_id: str, session: date, signature: str, answer: Mapping[str, object]
    ) -> None:
        replaced = self._session.run(
            _REPLACE,
            position=position_id,
            day=session,
            signature_sent=signature,
            answer_given=answer,
        )
        if replaced:
            return
        self._session.run(
            _INSERT, position_id=position_id, session=session, signature=signature, answer=answer
        )

    def forget_before(self, position_id: str, session: date) -> None:
        self._session.run(_FORGET, position=position_id, day=session)

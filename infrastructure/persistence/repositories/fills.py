"""Fills on SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal

from sqlalchemy import bindparam, insert, select, update

from application.context import RequestContext
from application.ports.repositories import Page
from domain.portfolio.fill import Fill, Liquidity
from domain.shared.side import Side
from infrastructure.persistence.book_session import BookSession
from infrastructure.persistence.paging import paged
from infrastructure.persistence.session import Row
from infrastructure.persistence.tables.portfolio import fills

_INSERT_FILL = insert(fills)


_FILLS = select(fills).where(fills.c.position_id == bindparam("position_id")).order_by(fills.c.id)


_FILL_BY_EXTERNAL_ID = select(fills).where(
    fills.c.venue == bindparam("venue"),
    fills.c.account_id == bindparam("account_id"),
    fills.c.external_id == bindparam("external_id"),
)


_RESTATE = (
    update(fills)
    .where(fills.c.id == bindparam("key"))
    .values(realized_pnl=bindparam("realized_pnl"))
)


class SqlFills:
    """`Fills` on SQL."""

    def __init__(self, session: BookSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def add(self, fill: Fill) -> None:
        self._session.run(_INSERT_FILL, **{f.name: getattr(fill, f.name) for f in fields(Fill)})

    def of_position(self, position_id: str) -> Sequence[Fill]:
        return [_fill(row) for row in self._session.all(_FILLS, position_id=position_id)]

    def page_of_position(self, position_id: str, page: Page) -> Sequence[Fill]:
        query = select(fills).where(
            fills.c.position_id == position_id, fills.c.owner_id == self._owner_id
        )
        return [_fill(row) for row in self._session.built(paged(query, fills.c.id, page))]

    def page_of_account(self, venue: str, account_id: str, page: Page) -> Sequence[Fill]:
        query = select(fills).where(
            fills.c.venue == venue,
            fills.c.account_id == account_id,
            fills.c.owner_id == self._owner_id,
        )
        return [_fill(row) for row in self._session.built(paged(query, fills.c.id, page))]

    def by_external_id(self, venue: str, account_id: str, external_id: str) -> Fill | None:
        row = self._session.one(
            _FILL_BY_EXTERNAL_ID, venue=venue, account_id=account_id, external_id=external_id
        )
        return None if row is None else _fill(row)

    def restate(self, realized_by_id: Mapping[str, Decimal | None]) -> None:
        rows = [{"key": key, "realized_pnl": value} for key, value in realized_by_id.items()]
        self._session.run_many(_RESTATE, rows)


def _fill(row: Row) -> Fill:
    row["side"] = Side(row["side"])
    row["liquidity"] = Liquidity(row["liquidity"])
    return Fill(**row)

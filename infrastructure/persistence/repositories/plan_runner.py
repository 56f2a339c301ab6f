"""The plan runner's switch and last report on SQL."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from application.context import RequestContext
from application.ports.plan_runner_book import PlanRunnerState, RunError
from domain.shared.instants import from_rfc3339, rfc3339
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.plans import plan_runners

_READ = select(plan_runners).where(plan_runners.c.owner_id == bindparam("owner_id"))
_ADD = insert(plan_runners)
_SAVE = (
    update(plan_runners)
    .where(plan_runners.c.owner_id == bindparam("key"))
    .values({c.name: bindparam(c.name) for c in plan_runners.c if c.name != "owner_id"})
)


class SqlPlanRunnerBook:
    """`PlanRunnerBook` on SQL."""

    def __init__(self, session: SqlSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def read(self) -> PlanRunnerState:
        row = self._session.one(_READ, owner_id=self._owner_id)
        if row is None:
            return PlanRunnerState()
        return PlanRunnerState(
            is_on=bool(row["is_on"]),
            runs_until=row["runs_until"],
            last_cycle_at=row["last_cycle_at"],
            evaluated=row["evaluated"],
            errors=tuple(_error(item) for item in row["errors"]),
        )

    def save(self, state: PlanRunnerState) -> None:
        row: Row = {name: getattr(state, name) for name in state.__slots__}
        row["errors"] = [{**asdict(error), "at": rfc3339(error.at)} for error in state.errors]
        if self._session.run(_SAVE, key=self._owner_id, **row) != 1:
            self._session.run(_ADD, owner_id=self._owner_id, **row)


def _error(item: dict[str, Any]) -> RunError:
    return RunError(**{**item, "at": from_rfc3339(item["at"])})

"""Performance and trade history of an account."""

from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import BeforeValidator, WithJsonSchema

from app.api.dependencies import Reader, Runs, use
from app.api.paging import Listing, PageQuery, listed
from app.api.portfolio import performance_schemas as s
from app.api.routing import capability_router, refusals
from app.api.wire import Moment
from application.portfolio.books import require_main_book
from application.portfolio.performance import MeasurePerformance, Performance
from application.portfolio.performance_document import performance_document
from application.portfolio.trade_projection import TRADE_ACTIONS
from application.ports.report_repositories import TradeRow, TradeRowFilter
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.account import Account
from domain.shared.errors import FieldFault, Invalid

router = capability_router("performance")
Paging = Annotated[PageQuery, Depends()]
Measuring = Annotated[MeasurePerformance, Depends(use(MeasurePerformance))]
AccountNamed = Annotated[str | None, Query(max_length=64, description="The main one by default.")]
DAY_LENGTH = len("2026-01-05")


def _day_starts(value: Any) -> Any:
    is_day = isinstance(value, str) and len(value) == DAY_LENGTH
    return f"{value}T00:00:00Z" if is_day else value


def _day_ends(value: Any) -> Any:
    is_day = isinstance(value, str) and len(value) == DAY_LENGTH
    return f"{value}T23:59:59.999999Z" if is_day else value


_INSTANT_OR_DAY = WithJsonSchema({"type": "string", "examples": ["2026-01-05"]})
Since = Annotated[Moment, BeforeValidator(_day_starts), _INSTANT_OR_DAY]
Until = Annotated[Moment, BeforeValidator(_day_ends), _INSTANT_OR_DAY]


def _known_action(value: str) -> str:
    action = value.strip().upper()
    if action not in TRADE_ACTIONS:
        fault = FieldFault("/action", "unknown_action", f"one of: {', '.join(TRADE_ACTIONS)}")
        raise Invalid("invalid_request", "There is no such action.", errors=(fault,))
    return action


def _symbol(value: str) -> str:
    return value.strip().upper()


@dataclass(frozen=True, slots=True)
class RowSearch:
    """Filters of the trade history: instants, or whole days in UTC."""

    symbol: Annotated[str | None, Query(max_length=24, pattern=r"^\s*[A-Za-z0-9.^=/-]+\s*$")] = None
    action: Annotated[str | None, Query(max_length=32, examples=["POSITION_CLOSED"])] = None
    start: Annotated[Since | None, Query(alias="from")] = None
    end: Annotated[Until | None, Query(alias="to")] = None

    def of(self, account: Account) -> TradeRowFilter:
        """As the store takes it. Invalid `invalid_request` for an action that does not exist."""
        return TradeRowFilter(
            account.id,
            None if self.symbol is None else _symbol(self.symbol),
            None if self.action is None else _known_action(self.action),
            self.start,
            self.end,
        )


Searching = Annotated[RowSearch, Depends()]


def account_of(account_id: str | None, work: UnitOfWork) -> Account:
    """The account named, else `main`; the simulation has figures of its own."""
    if account_id is None:
        return work.accounts.main()
    account = work.accounts.get(account_id)
    require_main_book(account)
    return account


@router.get(
    "/performance",
    operation_id="get_performance",
    summary="Return, drawdown, trades and targets of an account",
    responses=refusals("404 account_not_found", "409 simulation_account"),
)
async def get_performance(
    request: Request,
    caller: Reader,
    runs: Runs,
    measure: Measuring,
    account_id: AccountNamed = None,
) -> s.PerformanceOut:
    found = await runs.query(
        request, caller, lambda work: measure(account_of(account_id, work), work)
    )
    return performance_out(found)


@router.get(
    "/trade-history",
    operation_id="list_trade_history",
    summary="Every step of every trade, oldest first",
    response_model=Listing[s.TradeRowOut],
    responses=refusals("404 account_not_found", "409 simulation_account", "400 invalid_cursor"),
)
async def list_trade_history(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    search: Searching,
    account_id: AccountNamed = None,
) -> Response:
    def read(work: UnitOfWork) -> tuple[list[TradeRow], int | None]:
        where = search.of(account_of(account_id, work))
        after = 0 if paging.after is None else int(paging.after)
        rows = work.trades.rows(where, after_seq=after, limit=paging.page.limit)
        return list(rows), work.trades.count(where) if paging.wants_total else None

    rows, total = await runs.query(request, caller, read)
    keyed = [(str(row.seq), orjson.Fragment(row.document)) for row in rows]
    items, following = paging.cut(keyed, response)
    return listed(items, following, total)


def performance_out(found: Performance) -> s.PerformanceOut:
    """Performance in its published shape."""
    return s.performance_out(performance_document(found))

"""Performance and trade history on the desktop's own paths; always of the main account."""

from typing import Annotated

from fastapi import Query, Request, Response

from app.api.compat.problems import compat_refusals, compat_router
from app.api.dependencies import Reader, Runs
from app.api.portfolio import performance_schemas as s
from app.api.portfolio.performance import Measuring, Searching, account_of, performance_out
from app.api.wire import ExactJsonResponse
from application.ports.report_repositories import TradeRow
from application.ports.unit_of_work import UnitOfWork

router = compat_router("desktop")
ROWS_MAX = 10_000
TOTAL_COUNT = "X-Total-Count"


@router.get(
    "/performance",
    operation_id="get_desktop_performance",
    summary="Return, drawdown, trades and targets",
    responses=compat_refusals(),
)
async def get_performance(
    request: Request, caller: Reader, runs: Runs, measure: Measuring
) -> s.PerformanceOut:
    found = await runs.query(request, caller, lambda work: measure(account_of(None, work), work))
    return performance_out(found)


@router.get(
    "/trade-history",
    operation_id="get_desktop_trade_history",
    summary="The newest 10,000 steps of trades as a bare array, oldest first",
    response_model=list[s.TradeRowOut],
    responses=compat_refusals()
    | {
        200: {
            "description": "Rows, oldest first.",
            "headers": {
                TOTAL_COUNT: {
                    "description": "How many rows the filters find, beyond 10,000 too.",
                    "schema": {"type": "integer"},
                }
            },
        }
    },
)
async def get_trade_history(
    request: Request,
    caller: Reader,
    runs: Runs,
    search: Searching,
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = ROWS_MAX,
    offset: Annotated[int, Query(ge=0, le=ROWS_MAX)] = 0,
) -> Response:
    def read(work: UnitOfWork) -> tuple[list[TradeRow], int]:
        where = search.of(account_of(None, work))
        total = work.trades.count(where)
        skip = max(0, total - ROWS_MAX) + offset
        taken = min(limit, max(0, total - skip))
        return list(work.trades.rows(where, skip=skip, limit=taken)), total

    rows, total = await runs.query(request, caller, read)
    body = "[" + ",".join(row.document for row in rows) + "]"
    return ExactJsonResponse(body.encode(), headers={TOTAL_COUNT: str(total)})

"""Evaluate a position, read evaluations back, rebalance."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Query, Request, Response

from app.api.dependencies import Reader, Runs, Trader, use
from app.api.idempotency import Key, OnceOnly, OptionalKey, Presented
from app.api.paging import Listing
from app.api.portfolio import evaluation_schemas as s
from app.api.portfolio import present
from app.api.portfolio.routes import Paging
from app.api.problems import request_id_of
from app.api.routing import capability_router, refusals
from app.api.wire import Moment
from application.portfolio.evaluate_position import Evaluated, EvaluatePosition, EvaluationRequest
from application.portfolio.rebalance import Rebalance, Rebalanced
from application.ports.repositories import Page, StoredEvaluation
from domain.plans.evaluation_row import Proposal
from infrastructure.reports.tables import as_csv, as_xlsx

router = capability_router("portfolio")
ROWS_EXPORTED_MAX = 50_000
Action = Annotated[Literal["HOLD", "SKIP", "BUY", "SELL"] | None, Query()]


@router.post(
    "/positions/{position_id}/evaluate",
    operation_id="evaluate_position",
    summary="What the plan would do at a price, and why; changes nothing",
    response_model=s.EvaluationOut,
    responses=refusals("404 position_not_found"),
)
async def evaluate_position(
    request: Request,
    position_id: str,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    evaluate: Annotated[EvaluatePosition, Depends(use(EvaluatePosition))],
    body: s.EvaluateIn | None = None,
) -> Response:
    wanted = EvaluationRequest(body.price, body.as_of) if body else EvaluationRequest()
    return await once(
        request,
        caller,
        key,
        lambda work: evaluate(position_id, wanted, work),
        lambda result: Presented(200, _evaluation_out(result)),
        parent=position_id,
    )


@router.get(
    "/positions/{position_id}/evaluations",
    operation_id="list_evaluations",
    summary="Evaluations of the position, oldest first",
    responses=refusals("404 position_not_found", "400 invalid_cursor"),
)
async def list_evaluations(
    request: Request,
    response: Response,
    position_id: str,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    action: Action = None,
    start: Annotated[Moment | None, Query(alias="from")] = None,
    end: Annotated[Moment | None, Query(alias="to")] = None,
) -> Listing[s.EvaluationRowOut]:
    rows = await _rows(request, caller, runs, position_id, paging.page, action, start, end)
    items, following = paging.cut([(row.id, _row_out(row)) for row in rows], response)
    return Listing(items=items, next_cursor=following)


@router.get(
    "/positions/{position_id}/evaluations.{extension}",
    operation_id="export_evaluations",
    summary="Evaluations of the position as csv or xlsx",
    response_class=Response,
    responses=refusals("404 position_not_found"),
)
async def export_evaluations(
    request: Request,
    position_id: str,
    extension: Literal["csv", "xlsx"],
    caller: Reader,
    runs: Runs,
    action: Action = None,
    start: Annotated[Moment | None, Query(alias="from")] = None,
    end: Annotated[Moment | None, Query(alias="to")] = None,
) -> Response:
    page = Page(limit=ROWS_EXPORTED_MAX)
    rows = await _rows(request, caller, runs, position_id, page, action, start, end)
    table = [_flat(row) for row in rows]
    write, media_type = (as_csv, "text/csv") if extension == "csv" else (as_xlsx, _XLSX)
    headers = {"Content-Disposition": f'attachment; filename="evaluations.{extension}"'}
    return Response(write(_COLUMNS, table), 200, headers, media_type)


@router.post(
    "/positions/{position_id}/rebalance",
    operation_id="rebalance_position",
    summary="Evaluate and submit the proposal in one transaction",
    response_model=s.RebalancedOut,
    responses=refusals(
        "400 missing_idempotency_key",
        "404 position_not_found",
        "409 idempotency_signature_mismatch",
        "409 position_closed",
        "409 position_paused",
        "409 automatic_order_in_flight",
        "422 risk_rejected",
        "423 account_halted",
    )
    | {201: {"model": s.RebalancedOut, "description": "The proposal became an order."}},
)
async def rebalance_position(
    request: Request,
    position_id: str,
    caller: Trader,
    key: Key,
    once: OnceOnly,
    rebalance: Annotated[Rebalance, Depends(use(Rebalance))],
    body: s.EvaluateIn | None = None,
) -> Response:
    wanted = EvaluationRequest(body.price, body.as_of) if body else EvaluationRequest()
    request_id = request_id_of(request)
    return await once(
        request,
        caller,
        key,
        lambda work: rebalance(position_id, wanted, work),
        lambda result: _rebalanced(request_id, result),
        parent=position_id,
        before=lambda work: work.positions.get(position_id),
    )


async def _rows(
    request: Request,
    caller: Reader,
    runs: Runs,
    position_id: str,
    page: Page,
    action: str | None,
    start: datetime | None,
    end: datetime | None,
) -> list[StoredEvaluation]:
    return await runs.query(
        request,
        caller,
        lambda work: (
            work.positions.get(position_id),
            list(work.evaluations.list(position_id, page, action=action, start=start, end=end)),
        )[1],
    )


def _evaluation_out(result: Evaluated) -> s.EvaluationOut:
    evaluation = result.evaluation
    price, guard = evaluation.market.price, evaluation.guardrails
    phase = evaluation.market.phase
    return s.EvaluationOut(
        position_id=result.position.id,
        evaluation_id=result.id,
        at=evaluation.market.now,
        mode=evaluation.identity.mode.value,
        action=evaluation.action.action.value,
        reason_code=evaluation.action.reason_code.value,
        reason=evaluation.action.reason,
        price=None
        if price is None
        else s.PriceOut(
            value=price.value, source=price.source, age_s=price.age_s, as_of=price.as_of
        ),
        session=phase.value if phase else None,
        anchor_price=evaluation.trigger.anchor_price,
        change=evaluation.trigger.change,
        guardrails=s.GuardrailsOut(
            min_stock_fraction=guard.min_stock_fraction,
            max_stock_fraction=guard.max_stock_fraction,
            stock_fraction=guard.stock_fraction,
            within=guard.within,
        ),
        proposals=[_proposal_out(p) for p in evaluation.proposals],
    )


def _proposal_out(proposal: Proposal) -> s.ProposalOut:
    trims = [
        {"step": t.step.value, "from": t.from_qty, "to": t.to_qty, "limit": t.limit}
        for t in proposal.trimming
    ]
    return s.ProposalOut(
        side=proposal.side.value,
        qty=proposal.qty,
        raw_qty=proposal.raw_qty,
        notional=proposal.notional,
        commission_estimate=proposal.commission_estimate,
        reason_code=proposal.reason_code.value,
        trimming=[s.TrimOut.model_validate(trim) for trim in trims],
        stock_fraction_before=proposal.stock_fraction_before,
        stock_fraction_after=proposal.stock_fraction_after,
        valid=proposal.valid,
        rejections=[reason.value for reason in proposal.rejections],
        expires_at=proposal.expires_at,
    )


def _rebalanced(request_id: str, result: Rebalanced) -> Presented:
    submitted, action = result.submitted, result.evaluated.evaluation.action
    if submitted is not None and not submitted.accepted:
        return present.submitted(request_id, submitted)
    order = submitted.order if submitted else None
    body = s.RebalancedOut(
        action=action.action.value,
        reason_code=action.reason_code.value,
        reason=action.reason,
        position_id=result.evaluated.position.id,
        evaluation_id=result.evaluated.id,
        order_id=order.id if order else None,
        status=order.status.value if order else None,
        side=order.terms.side.value if order else None,
        qty=order.terms.qty if order else None,
        proposals=[_proposal_out(p) for p in result.evaluated.evaluation.proposals],
    )
    return Presented(201 if order else 200, body)


def _row_out(row: StoredEvaluation) -> s.EvaluationRowOut:
    return s.EvaluationRowOut(
        id=row.id,
        position_id=row.position_id,
        mode=row.mode,
        action=row.action,
        at=row.at,
        expires_at=row.expires_at,
        order_id=row.order_id,
        row=row.document,
    )


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_COLUMNS = (
    "id", "at", "mode", "action", "reason_code", "reason", "price", "price_source", "price_age_s",
    "anchor_price", "change", "stock_fraction_before", "stock_fraction_after", "raw_qty", "qty",
    "order_id", "execution_qty", "execution_price", "execution_fee",
)  # fmt: skip


def _flat(row: StoredEvaluation) -> tuple[object, ...]:
    document = row.document
    price = document["market"]["price"] or {}
    action, impact = document["action"], document["impact"]
    execution = document.get("execution") or {}
    return (
        row.id,
        row.at,
        row.mode,
        row.action,
        action["reason_code"],
        action["reason"],
        price.get("value"),
        price.get("source"),
        price.get("age_s"),
        document["trigger"]["anchor_price"],
        document["trigger"]["change"],
        impact["before"]["stock_fraction"],
        impact["after"]["stock_fraction"],
        action["raw_qty"],
        action["qty"],
        row.order_id,
        execution.get("qty"),
        execution.get("price"),
        execution.get("fee"),
    )

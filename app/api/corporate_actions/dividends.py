"""Dividends and splits: parse, call, present."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.api.corporate_actions import present
from app.api.corporate_actions import schemas as s
from app.api.dependencies import Reader, Runs, Trader, use
from app.api.idempotency import OnceOnly, OptionalKey
from app.api.paging import Listing
from app.api.pointers import instrument_of, with_ticker
from app.api.portfolio.routes import Paging
from app.api.routing import capability_router, refusals
from application.portfolio.announce_dividend import AnnounceDividend, NewDividend
from application.portfolio.cancel_dividend import CancelDividend
from application.portfolio.ex_session import CALENDAR_DEFAULT
from application.portfolio.pay_dividend import PayDividend, Payment
from application.portfolio.process_ex_date import ProcessExDate
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.dividend import Dividend, Entitlement
from domain.portfolio.trading_day import session_date

router = capability_router("corporate actions")
KEYED = ("409 idempotency_signature_mismatch", "409 request_in_progress")
Ticker = Annotated[str | None, Query(max_length=64)]


@router.post(
    "/dividends",
    status_code=201,
    operation_id="announce_dividend",
    summary="Announce a dividend; the same terms again answer 200",
    response_model=s.AnnouncedDividendOut,
    responses=refusals(
        "409 dividend_terms_differ",
        "422 invalid_dividend",
        "422 invalid_symbol",
        "422 unknown_instrument",
        *KEYED,
    ),
)
async def announce_dividend(
    request: Request,
    body: s.DividendIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    announce: Annotated[AnnounceDividend, Depends(use(AnnounceDividend))],
) -> Response:
    new = NewDividend(
        ticker=body.ticker,
        ex_date=body.ex_date,
        dps=body.dps,
        pay_date=body.pay_date,
        kind=body.kind,
        withholding_rate=body.withholding_rate,
    )
    return await once(
        request,
        caller,
        key,
        with_ticker(lambda work: announce(new, work)),
        present.announced_dividend,
    )


@router.get(
    "/dividends",
    operation_id="list_dividends",
    summary="Announced dividends, oldest announcement first",
    responses=refusals("400 invalid_cursor", "422 invalid_symbol"),
)
async def list_dividends(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    ticker: Ticker = None,
) -> Listing[s.DividendOut]:
    instrument = instrument_of(ticker)
    found = await runs.query(
        request, caller, lambda work: work.dividends.list(paging.page, instrument=instrument)
    )
    rows = [(dividend.id, present.dividend_out(dividend)) for dividend in found]
    items, following = paging.cut(rows, response)
    return Listing(items=items, next_cursor=following)


@router.get(
    "/dividends/upcoming",
    operation_id="list_upcoming_dividends",
    summary="Dividends whose ex-date is today or later, next one first",
    responses=refusals("400 invalid_cursor", "422 invalid_symbol"),
)
async def list_upcoming_dividends(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    ticker: Ticker = None,
) -> Listing[s.DividendOut]:
    instrument = instrument_of(ticker)

    def upcoming(work: UnitOfWork) -> list[Dividend]:
        today: date = session_date(CALENDAR_DEFAULT, work.now)
        return list(work.dividends.list(paging.page, instrument=instrument, ex_date_from=today))

    found = await runs.query(request, caller, upcoming)
    rows = [(f"{d.ex_date.isoformat()} {d.id}", present.dividend_out(d)) for d in found]
    items, following = paging.cut(rows, response)
    return Listing(items=items, next_cursor=following)


@router.get(
    "/positions/{position_id}/dividends",
    operation_id="list_position_dividends",
    summary="What the position is entitled to, oldest first",
    responses=refusals("404 position_not_found", "400 invalid_cursor"),
)
async def list_position_dividends(
    request: Request,
    response: Response,
    position_id: str,
    caller: Reader,
    runs: Runs,
    paging: Paging,
) -> Listing[s.PositionDividendOut]:
    def entitled(work: UnitOfWork) -> list[tuple[Entitlement, Dividend]]:
        work.positions.get(position_id)
        known = work.dividends.entitlements_of(position_id)
        following = [e for e in known if paging.after is None or e.id > paging.after]
        page = following[: paging.page.limit]
        return [(entitlement, work.dividends.get(entitlement.dividend_id)) for entitlement in page]

    found = await runs.query(request, caller, entitled)
    rows = [(e.id, present.position_dividend(e, dividend)) for e, dividend in found]
    items, following = paging.cut(rows, response)
    return Listing(items=items, next_cursor=following)


@router.post(
    "/dividends/{dividend_id}/ex-date",
    operation_id="process_ex_date",
    summary="Accrue the dividend for every holder and lower the anchors, once",
    response_model=s.DividendStepOut,
    responses=refusals(
        "404 dividend_not_found",
        "409 before_ex_date",
        "409 dividend_cancelled",
        "422 currency_mismatch",
        *KEYED,
    ),
)
async def process_ex_date(
    request: Request,
    dividend_id: str,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    process: Annotated[ProcessExDate, Depends(use(ProcessExDate))],
) -> Response:
    return await once(
        request,
        caller,
        key,
        lambda work: process(dividend_id, work),
        present.dividend_step,
        parent=dividend_id,
        before=lambda work: work.dividends.get(dividend_id),
    )


@router.post(
    "/dividends/{dividend_id}/payment",
    operation_id="pay_dividend",
    summary="Turn the receivable into cash, once",
    response_model=s.DividendStepOut,
    responses=refusals(
        "404 dividend_not_found",
        "409 before_pay_date",
        "409 before_ex_date",
        "409 dividend_cancelled",
        "422 invalid_payment",
        *KEYED,
    ),
)
async def pay_dividend(
    request: Request,
    dividend_id: str,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    pay: Annotated[PayDividend, Depends(use(PayDividend))],
    body: s.PaymentIn | None = None,
) -> Response:
    sent = body or s.PaymentIn()
    payment = Payment(is_early=sent.early, reason=sent.reason, paid_on=sent.paid_on)
    return await once(
        request,
        caller,
        key,
        lambda work: pay(dividend_id, payment, work),
        present.dividend_step,
        parent=dividend_id,
        before=lambda work: work.dividends.get(dividend_id),
    )


@router.post(
    "/dividends/{dividend_id}/cancel",
    operation_id="cancel_dividend",
    summary="Reverse whatever was booked; the terms can be announced anew",
    response_model=s.DividendStepOut,
    responses=refusals("404 dividend_not_found", "409 insufficient_cash", *KEYED),
)
async def cancel_dividend(
    request: Request,
    dividend_id: str,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    cancel: Annotated[CancelDividend, Depends(use(CancelDividend))],
    body: s.CancelIn | None = None,
) -> Response:
    reason = None if body is None else body.reason
    return await once(
        request,
        caller,
        key,
        lambda work: cancel(dividend_id, reason, work),
        present.dividend_step,
        parent=dividend_id,
        before=lambda work: work.dividends.get(dividend_id),
    )

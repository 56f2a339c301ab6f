"""Splits: parse, call, present."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.corporate_actions import present
from app.api.corporate_actions import schemas as s
from app.api.corporate_actions.dividends import KEYED, Ticker
from app.api.dependencies import Reader, Runs, Trader, use
from app.api.idempotency import OnceOnly, OptionalKey
from app.api.paging import Listing
from app.api.pointers import instrument_of, with_ticker
from app.api.portfolio.routes import Paging
from app.api.routing import capability_router, refusals
from application.portfolio.splits import AnnounceSplit, ApplySplit, NewSplit

router = capability_router("corporate actions")


@router.post(
    "/splits",
    status_code=201,
    operation_id="announce_split",
    summary="Announce a split; the same ratio again answers 200",
    response_model=s.AnnouncedSplitOut,
    responses=refusals(
        "409 split_terms_differ",
        "422 invalid_split",
        "422 invalid_symbol",
        "422 unknown_instrument",
        *KEYED,
    ),
)
async def announce_split(
    request: Request,
    body: s.SplitIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    announce: Annotated[AnnounceSplit, Depends(use(AnnounceSplit))],
) -> Response:
    new = NewSplit(body.ticker, body.ratio, body.ex_date)
    return await once(
        request, caller, key, with_ticker(lambda work: announce(new, work)), present.announced_split
    )


@router.get(
    "/splits",
    operation_id="list_splits",
    summary="Announced splits, oldest announcement first",
    responses=refusals("400 invalid_cursor", "422 invalid_symbol"),
)
async def list_splits(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    ticker: Ticker = None,
) -> Listing[s.SplitOut]:
    instrument = instrument_of(ticker)
    found = await runs.query(
        request, caller, lambda work: work.splits.list(paging.page, instrument=instrument)
    )
    rows = [(split.id, present.split_out(split)) for split in found]
    items, following = paging.cut(rows, response)
    return Listing(items=items, next_cursor=following)


@router.post(
    "/splits/{split_id}/apply",
    operation_id="apply_split",
    summary="Rescale every position that held the instrument, once",
    response_model=s.SplitAppliedOut,
    responses=refusals(
        "404 split_not_found", "409 before_ex_date", "409 split_out_of_order", *KEYED
    ),
)
async def apply_split(
    request: Request,
    split_id: str,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    apply: Annotated[ApplySplit, Depends(use(ApplySplit))],
) -> Response:
    return await once(
        request,
        caller,
        key,
        lambda work: apply(split_id, work),
        present.split_applied,
        parent=split_id,
        before=lambda work: work.splits.get(split_id),
    )

"""API tokens of the caller."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import Reader, Runs, use
from app.api.idempotency import OnceOnly, OptionalKey, Presented
from app.api.identity import present
from app.api.identity import schemas as s
from app.api.identity.asking import AccountHolder, Alters
from app.api.paging import Listing, PageQuery
from app.api.routing import capability_router, refusals
from app.api.wire import ExactJsonResponse
from application.identity.api_tokens import (
    CreateApiToken,
    MintedApiToken,
    NewApiToken,
    RevokeApiToken,
)
from application.ports.unit_of_work import UnitOfWork

router = capability_router("identity")


@router.get(
    "/auth/tokens",
    operation_id="list_api_tokens",
    summary="Your API tokens, oldest first",
    responses=refusals("400 invalid_cursor"),
)
async def list_api_tokens(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Annotated[PageQuery, Depends()],
) -> Listing[s.TokenOut]:
    tokens, total = await runs.query(
        request,
        caller,
        lambda work: (
            work.api_tokens.list(caller.user_id, paging.page),
            work.api_tokens.count(caller.user_id) if paging.wants_total else None,
        ),
    )
    rows = [(token.id, present.token_out(token)) for token in tokens]
    items, following = paging.cut(rows, response)
    return Listing(items=items, next_cursor=following, total=total)


@router.post(
    "/auth/tokens",
    status_code=201,
    operation_id="create_api_token",
    summary="Make an API token; its text is in this answer and nowhere else",
    response_model=s.CreatedTokenOut,
    responses=refusals(
        "400 invalid_idempotency_key", "403 scope_not_allowed", "409 too_many_tokens",
        "409 idempotency_signature_mismatch", "409 request_in_progress",
        "415 unsupported_media_type", "422 invalid_address",
    ),
)  # fmt: skip
async def create_api_token(
    request: Request,
    body: s.TokenIn,
    caller: AccountHolder,
    key: OptionalKey,
    once: OnceOnly,
    create: Annotated[CreateApiToken, Depends(use(CreateApiToken))],
) -> Response:
    new = NewApiToken(body.name, frozenset(body.scopes), body.expires_at, tuple(body.addresses))
    minted: list[MintedApiToken] = []

    def mint(work: UnitOfWork) -> MintedApiToken:
        minted.append(create(new, caller, work))
        return minted[-1]

    # What is stored for a replay must not hold the secret, so it is put in afterwards.
    stored = await once(
        request, caller, key, mint,
        lambda made: Presented(201, present.created_token_out(made.token, None)),
        parent=caller.user_id,
    )  # fmt: skip
    if not minted:
        return stored
    shown = present.created_token_out(minted[-1].token, minted[-1].text)
    return ExactJsonResponse(shown, status_code=201)


@router.delete(
    "/auth/tokens/{token_id}",
    status_code=204,
    operation_id="revoke_api_token",
    summary="Revoke one of your API tokens, at once",
    responses=refusals("404 token_not_found"),
)
async def revoke_api_token(
    request: Request,
    token_id: str,
    caller: Reader,
    alters: Alters,
    revoke: Annotated[RevokeApiToken, Depends(use(RevokeApiToken))],
) -> None:
    await alters(request, caller, lambda work: revoke(token_id, caller, work))

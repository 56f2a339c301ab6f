"""Log in, refresh, log out, prove presence again."""

import asyncio
from typing import Annotated

from fastapi import Depends, Form, Request

from app.api.authentication import address_of
from app.api.dependencies import Reader, Runs, use
from app.api.identity import present
from app.api.identity import schemas as s
from app.api.identity.asking import AccountHolder, Alters, Budget, Gatekeeper, Lane
from app.api.problems import request_id_of
from app.api.routing import CodedHttpError, capability_router, refusals
from application.identity.own_account import LOGGED_OUT, EndSession
from application.identity.proof import VIA_SESSION, Proof, ProvePresence, Reauthenticate
from application.identity.renew_session import RenewSession
from application.identity.sign_in import LoginAttempt, SignIn
from domain.shared.errors import Conflict

router = capability_router("identity")
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


async def _require_form(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _FORM_TYPES:
        raise CodedHttpError(
            415, "unsupported_media_type", "Send the body as application/x-www-form-urlencoded."
        )


@router.post(
    "/auth/login",
    operation_id="log_in",
    summary="Log in with user name and password (OAuth2 password form)",
    dependencies=[Depends(_require_form)],
    responses=refusals(
        "401 invalid_login", "401 totp_required", "415 unsupported_media_type", "429 login_delayed"
    ),
)
async def log_in(
    request: Request,
    form: Annotated[s.LoginForm, Form()],
    lane: Lane,
    budget: Budget,
    sign_in: Annotated[SignIn, Depends(use(SignIn))],
) -> s.TokensOut:
    await budget.spend_login(request)
    attempt = LoginAttempt(
        username=form.username,
        password=form.password.get_secret_value(),
        totp=form.totp,
        address=address_of(request),
        user_agent=request.headers.get("user-agent"),
        request_id=request_id_of(request),
    )
    return present.tokens_out(await lane.run(lambda: sign_in(attempt)))


@router.post(
    "/auth/refresh",
    operation_id="refresh_session",
    summary="Trade the refresh token for the next pair; a second use ends the session",
    responses=refusals(
        "401 invalid_refresh_token", "401 refresh_token_reused", "415 unsupported_media_type"
    ),
)
async def refresh_session(
    request: Request,
    body: s.RefreshIn,
    budget: Budget,
    gatekeeper: Gatekeeper,
    renew: Annotated[RenewSession, Depends(use(RenewSession))],
) -> s.TokensOut:
    await budget.spend_refresh(request)
    try:
        renewed = await asyncio.to_thread(renew, body.refresh_token, request_id_of(request))
    finally:
        gatekeeper.forget()
    return present.tokens_out(renewed)


@router.post(
    "/auth/logout",
    status_code=204,
    operation_id="log_out",
    summary="End the session of this access token",
    responses=refusals("409 not_a_session"),
)
async def log_out(
    request: Request,
    caller: Reader,
    alters: Alters,
    end: Annotated[EndSession, Depends(use(EndSession))],
) -> None:
    session_id = caller.credential_id
    if caller.via != VIA_SESSION or session_id is None:
        raise Conflict("not_a_session", "Only a login session can be logged out.")
    await alters(request, caller, lambda work: end(session_id, caller.user_id, LOGGED_OUT, work))


@router.post(
    "/auth/reauthenticate",
    status_code=204,
    operation_id="reauthenticate",
    summary="Prove presence again with password or code",
    responses=refusals(
        "400 proof_missing", "403 wrong_proof", "409 not_a_session", "415 unsupported_media_type",
        "429 login_delayed",
    ),
)  # fmt: skip
async def reauthenticate(
    request: Request,
    body: s.ProofIn,
    caller: AccountHolder,
    runs: Runs,
    lane: Lane,
    prove: Annotated[ProvePresence, Depends(use(ProvePresence))],
    refresh: Annotated[Reauthenticate, Depends(use(Reauthenticate))],
) -> None:
    if caller.via != VIA_SESSION:
        raise Conflict("not_a_session", "Only a login session can be re-authenticated.")
    password = None if body.password is None else body.password.get_secret_value()
    proof = Proof(password, body.totp, address_of(request), request_id_of(request))
    await lane.run(lambda: prove(caller, proof))
    await runs.command(request, caller, lambda work: refresh(caller, work))

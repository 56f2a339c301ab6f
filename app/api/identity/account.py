"""The caller's own profile, password, sessions and second factor."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.authentication import address_of
from app.api.dependencies import Reader, Runs, use
from app.api.identity import present
from app.api.identity import schemas as s
from app.api.identity.asking import AccountHolder, Alters, Gatekeeper, Lane
from app.api.paging import Listing, PageQuery
from app.api.preconditions import NOT_MODIFIED, RequiredVersion, versioned_view
from app.api.problems import request_id_of
from app.api.routing import capability_router, refusals
from application.identity.own_account import (
    ENDED_BY_USER,
    ChangePassword,
    ChangeProfile,
    EndSession,
)
from application.identity.proof import Proof, ProvePresence
from application.identity.second_factor import (
    ConfirmSecondFactor,
    DisableSecondFactor,
    EnrolSecondFactor,
)

router = capability_router("identity")
Paging = Annotated[PageQuery, Depends()]
Proves = Annotated[ProvePresence, Depends(use(ProvePresence))]


@router.get(
    "/auth/me",
    operation_id="get_me",
    summary="Who this credential belongs to and what it may do",
    response_model=s.MeOut,
    responses=refusals("404 user_not_found") | NOT_MODIFIED,
)
async def get_me(request: Request, caller: Reader, runs: Runs) -> Response:
    user = await runs.glance(request, caller, lambda work: work.users.get(caller.user_id))
    return versioned_view(request, user.version, present.me_out(user, caller))


@router.patch(
    "/auth/me",
    operation_id="change_me",
    summary="Change your own profile",
    responses=refusals(
        "400 invalid_if_match", "404 user_not_found", "412 stale_version",
        "415 unsupported_media_type", "428 precondition_required",
    ),
)  # fmt: skip
async def change_me(
    request: Request,
    response: Response,
    body: s.MePatch,
    caller: AccountHolder,
    runs: Runs,
    expected: RequiredVersion,
    change: Annotated[ChangeProfile, Depends(use(ChangeProfile))],
) -> s.MeOut:
    user = await runs.command(
        request, caller, lambda work: change(caller.user_id, body.display_name, expected, work)
    )
    response.headers["ETag"] = f'"{user.version}"'
    return present.me_out(user, caller)


@router.put(
    "/auth/password",
    status_code=204,
    operation_id="change_password",
    summary="Change your password; every session ends, API tokens stay",
    responses=refusals(
        "403 wrong_proof", "412 stale_version", "415 unsupported_media_type", "422 weak_password",
        "429 login_delayed",
    ),
)  # fmt: skip
async def change_password(
    request: Request,
    body: s.PasswordIn,
    caller: AccountHolder,
    lane: Lane,
    gatekeeper: Gatekeeper,
    prove: Proves,
    change: Annotated[ChangePassword, Depends(use(ChangePassword))],
) -> None:
    request_id = request_id_of(request)
    current = body.current_password.get_secret_value()
    proof = Proof(current, body.totp, address_of(request), request_id)
    fresh = body.new_password.get_secret_value()
    await lane.run(lambda: change(prove(caller, proof), fresh, request_id))
    gatekeeper.forget()


@router.get(
    "/auth/sessions",
    operation_id="list_login_sessions",
    summary="Your live sessions, oldest first",
    responses=refusals("400 invalid_cursor"),
)
async def list_sessions(
    request: Request, response: Response, caller: Reader, runs: Runs, paging: Paging
) -> Listing[s.SessionOut]:
    sessions, total = await runs.query(
        request,
        caller,
        lambda work: (
            work.sessions.list(caller.user_id, work.now, paging.page),
            work.sessions.count(caller.user_id, work.now) if paging.wants_total else None,
        ),
    )
    rows = [(session.id, present.session_out(session, caller)) for session in sessions]
    items, following = paging.cut(rows, response)
    return Listing(items=items, next_cursor=following, total=total)


@router.delete(
    "/auth/sessions/{session_id}",
    status_code=204,
    operation_id="end_login_session",
    summary="End one of your sessions",
    responses=refusals("404 session_not_found"),
)
async def end_session(
    request: Request,
    session_id: str,
    caller: AccountHolder,
    alters: Alters,
    end: Annotated[EndSession, Depends(use(EndSession))],
) -> None:
    await alters(request, caller, lambda work: end(session_id, caller.user_id, ENDED_BY_USER, work))


@router.post(
    "/auth/totp",
    operation_id="enrol_totp",
    summary="Start enrolling a second factor",
    responses=refusals(
        "403 wrong_proof", "404 user_not_found", "409 totp_already_enabled",
        "415 unsupported_media_type", "429 login_delayed",
    ),
)  # fmt: skip
async def enrol_totp(
    request: Request,
    body: s.EnrolIn,
    caller: AccountHolder,
    runs: Runs,
    lane: Lane,
    prove: Proves,
    enrol: Annotated[EnrolSecondFactor, Depends(use(EnrolSecondFactor))],
) -> s.EnrolmentOut:
    await lane.run(lambda: prove(caller, _proof(request, body.password.get_secret_value(), None)))
    enrolment = await runs.command(request, caller, lambda work: enrol(caller.user_id, work))
    return s.EnrolmentOut(secret=enrolment.secret, uri=enrolment.uri)


@router.post(
    "/auth/totp/confirm",
    status_code=204,
    operation_id="confirm_totp",
    summary="Switch the second factor on with a first code",
    responses=refusals(
        "403 wrong_code", "404 user_not_found", "409 totp_not_enrolling",
        "415 unsupported_media_type",
    ),
)  # fmt: skip
async def confirm_totp(
    request: Request,
    body: s.CodeIn,
    caller: AccountHolder,
    runs: Runs,
    confirm: Annotated[ConfirmSecondFactor, Depends(use(ConfirmSecondFactor))],
) -> None:
    await runs.command(request, caller, lambda work: confirm(caller.user_id, body.code, work))


@router.post(
    "/auth/totp/disable",
    status_code=204,
    operation_id="disable_totp",
    summary="Switch the second factor off with both factors",
    responses=refusals(
        "403 wrong_proof", "404 user_not_found", "409 totp_not_enabled",
        "415 unsupported_media_type", "429 login_delayed",
    ),
)  # fmt: skip
async def disable_totp(
    request: Request,
    body: s.DisableTotpIn,
    caller: AccountHolder,
    runs: Runs,
    lane: Lane,
    prove: Proves,
    disable: Annotated[DisableSecondFactor, Depends(use(DisableSecondFactor))],
) -> None:
    proof = _proof(request, body.password.get_secret_value(), body.code)
    await lane.run(lambda: prove(caller, proof))
    await runs.command(request, caller, lambda work: disable(caller.user_id, work))


def _proof(request: Request, password: str | None, totp: str | None) -> Proof:
    return Proof(password, totp, address_of(request), request_id_of(request))

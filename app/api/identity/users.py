"""Users of the owner, for administrators."""

import hmac
from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import Admin, Runs, use
from app.api.idempotency import OnceOnly, OptionalKey, Presented
from app.api.identity import present
from app.api.identity import schemas as s
from app.api.identity.asking import Alters, Passwords
from app.api.paging import Listing, PageQuery
from app.api.preconditions import RequiredVersion
from app.api.routing import capability_router, refusals
from app.api.wire import ExactJsonResponse
from application.identity.user import User, required_username
from application.identity.user_accounts import (
    ChangeUser,
    CreateUser,
    DeleteUser,
    NewUser,
    UserChange,
)
from application.ports.unit_of_work import UnitOfWork
from infrastructure.security.service_secret import KeyRing

router = capability_router("identity")


@router.get(
    "/users",
    operation_id="list_users",
    summary="Users, oldest first",
    responses=refusals("400 invalid_cursor"),
)
async def list_users(
    request: Request,
    response: Response,
    caller: Admin,
    runs: Runs,
    paging: Annotated[PageQuery, Depends()],
) -> Listing[s.UserOut]:
    users, total = await runs.query(
        request,
        caller,
        lambda work: (
            work.users.list(paging.page),
            work.users.count() if paging.wants_total else None,
        ),
    )
    items, following = paging.cut([(u.id, present.user_out(u)) for u in users], response)
    return Listing(items=items, next_cursor=following, total=total)


@router.post(
    "/users",
    status_code=201,
    operation_id="create_user",
    summary="Create a user who shares this owner's book; a replay hides the generated password",
    response_model=s.CreatedUserOut,
    responses=refusals(
        "400 invalid_idempotency_key", "409 username_taken", "409 idempotency_signature_mismatch",
        "409 request_in_progress", "415 unsupported_media_type", "422 invalid_username",
        "422 weak_password",
    ),
)  # fmt: skip
async def create_user(
    request: Request,
    body: s.UserIn,
    caller: Admin,
    key: OptionalKey,
    once: OnceOnly,
    passwords: Passwords,
    keys: Annotated[KeyRing, Depends(use(KeyRing))],
    create: Annotated[CreateUser, Depends(use(CreateUser))],
) -> Response:
    username = required_username(body.username)
    password = await passwords(body.password, username)
    new = NewUser(username, body.display_name or username, body.role, password.password_hash)
    _seal_password(request, keys)
    created: list[User] = []

    def make(work: UnitOfWork) -> User:
        created.append(create(new, caller, work))
        return created[-1]

    # What is stored for a replay must not hold the password, so it is put in afterwards.
    stored = await once(
        request, caller, key, make,
        lambda user: Presented(201, present.created_user_out(user, None)),
        parent=caller.user_id,
    )  # fmt: skip
    if not created:
        return stored
    user = created[-1]
    shown = present.created_user_out(user, password.generated)
    return ExactJsonResponse(shown, status_code=201, headers={"ETag": f'"{user.version}"'})


def _seal_password(request: Request, keys: KeyRing) -> None:
    """A key's stored signature must not be a plain hash of a password: guessing would be cheap."""
    sent = request.scope.get("ballast_json")
    if isinstance(sent, dict) and isinstance(sent.get("password"), str):
        sealed = hmac.digest(keys.key("idempotency"), sent["password"].encode(), "sha256").hex()
        request.scope["ballast_json"] = sent | {"password": sealed}


@router.patch(
    "/users/{user_id}",
    operation_id="change_user",
    summary="Change role, name, password or activity of a user",
    response_model=s.UserOut,
    responses=refusals(
        "400 invalid_if_match", "404 user_not_found", "409 last_admin", "412 stale_version",
        "415 unsupported_media_type", "422 weak_password", "428 precondition_required",
    ),
)  # fmt: skip
async def change_user(
    request: Request,
    user_id: str,
    body: s.UserPatch,
    caller: Admin,
    alters: Alters,
    expected: RequiredVersion,
    passwords: Passwords,
    change: Annotated[ChangeUser, Depends(use(ChangeUser))],
) -> Response:
    password_hash = None
    if body.password is not None:
        user = await alters.query(request, caller, lambda work: work.users.get(user_id))
        password_hash = (await passwords(body.password, user.username)).password_hash
    wanted = UserChange(
        expected_version=expected,
        display_name=body.display_name,
        role=body.role,
        is_active=body.is_active,
        password_hash=password_hash,
        reset_totp=body.totp_enabled is False,
    )
    changed = await alters(request, caller, lambda work: change(user_id, wanted, work))
    etag = f'"{changed.version}"'
    return ExactJsonResponse(present.user_out(changed), headers={"ETag": etag})


@router.delete(
    "/users/{user_id}",
    status_code=204,
    operation_id="delete_user",
    summary="Remove a user with every session and token",
    responses=refusals(
        "400 invalid_if_match", "404 user_not_found", "409 last_admin", "412 stale_version",
        "428 precondition_required",
    ),
)  # fmt: skip
async def delete_user(
    request: Request,
    user_id: str,
    caller: Admin,
    alters: Alters,
    expected: RequiredVersion,
    delete: Annotated[DeleteUser, Depends(use(DeleteUser))],
) -> None:
    await alters(request, caller, lambda work: delete(user_id, expected, work))

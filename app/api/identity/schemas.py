"""Requests and answers of authentication, sessions, API tokens and users."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, SecretStr, StrictBool, StringConstraints

from app.api.wire import AnswerModel, Moment, Name, RequestModel
from application.context import Role, Scope
from application.identity.api_token import ADDRESSES_MAX

Code = Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]
PasswordText = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
UserName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Opaque = Annotated[str, StringConstraints(min_length=1, max_length=256)]
_USER_ID = "usr_0190b6f0c4d57c1e8a54c0ffee000001"
_SESSION_ID = "ses_0190b6f0c4d57c1e8a54c0ffee000002"
_TOKEN_ID = "tok_0190b6f0c4d57c1e8a54c0ffee000003"  # noqa: S105 - an example
_AT = "2026-01-05T15:00:00Z"
_USER: dict[str, Any] = {
    "id": _USER_ID, "username": "ada", "display_name": "Ada", "role": "trader", "is_active": True,
    "totp_enabled": False, "created_at": _AT, "updated_at": _AT, "last_login_at": None,
    "version": 1,
}  # fmt: skip
_TOKEN: dict[str, Any] = {
    "id": _TOKEN_ID, "name": "nightly script", "scopes": ["read", "trade"],
    "addresses": ["10.0.0.0/8"], "created_at": _AT, "expires_at": None, "last_used_at": None,
}  # fmt: skip


def _shown(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class LoginForm(RequestModel):
    """OAuth2 password form; `totp` is needed once the second factor is on."""

    model_config = _shown(
        {"grant_type": "password", "username": "owner", "password": "a long pass phrase"}
    )

    username: UserName
    password: PasswordText
    totp: Code | None = None
    grant_type: Literal["password"] | None = None
    scope: Annotated[str, Field(max_length=256)] = Field(
        "", description="Accepted for OAuth2 clients; a session has the scopes of its role."
    )
    client_id: Annotated[str, Field(max_length=256)] | None = None
    client_secret: Annotated[SecretStr, Field(max_length=256)] | None = None


class RefreshIn(RequestModel):
    """The newest refresh token of the session; an older one ends it."""

    model_config = _shown({"refresh_token": "blr_3kX0c2Vt"})

    refresh_token: Opaque


class TokensOut(AnswerModel):
    """An access token for 30 minutes and the refresh token that follows it, usable once."""

    model_config = _shown(
        {
            "access_token": "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "token_type": "bearer",
            "expires_in": 1800, "expires_at": _AT, "refresh_token": "blr_3kX0c2Vt",
            "session_id": _SESSION_ID,
        }
    )  # fmt: skip

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int = Field(description="Seconds.")
    expires_at: Moment
    refresh_token: str
    session_id: str


class ProofIn(RequestModel):
    """Password, TOTP code or both."""

    model_config = _shown({"password": "a long pass phrase"})

    password: PasswordText | None = None
    totp: Code | None = None


class UserOut(AnswerModel):
    """A user without anything secret."""

    model_config = _shown(_USER)

    id: str
    username: str
    display_name: str
    role: Role
    is_active: bool
    totp_enabled: bool
    created_at: Moment
    updated_at: Moment
    last_login_at: Moment | None
    version: int


class MeOut(UserOut):
    """The caller, and what this credential may do."""

    model_config = _shown(
        _USER | {"scopes": ["read", "trade"], "via": "session", "credential_id": _SESSION_ID}
    )

    scopes: list[Scope]
    via: str = Field(description="session, token, or off when authentication is off.")
    credential_id: str | None


class MePatch(RequestModel):
    """What users may change about themselves."""

    model_config = _shown({"display_name": "Ada L."})

    display_name: Name


class PasswordIn(RequestModel):
    """At least 12 characters; every session ends."""

    model_config = _shown(
        {"current_password": "a long pass phrase", "new_password": "an even longer pass phrase"}
    )

    current_password: PasswordText
    new_password: PasswordText
    totp: Code | None = Field(None, description="Needed when the second factor is on.")


class SessionOut(AnswerModel):
    """A login on one device."""

    model_config = _shown(
        {
            "id": _SESSION_ID, "created_at": _AT, "authenticated_at": _AT, "last_used_at": _AT,
            "expires_at": _AT, "address": "127.0.0.1", "user_agent": "curl/8.9", "current": True,
        }
    )  # fmt: skip

    id: str
    created_at: Moment
    authenticated_at: Moment
    last_used_at: Moment = Field(description="Time of the last refresh.")
    expires_at: Moment
    address: str | None
    user_agent: str | None
    current: bool


class EnrolIn(RequestModel):
    """The password proves who enrols."""

    model_config = _shown({"password": "a long pass phrase"})

    password: PasswordText


class EnrolmentOut(AnswerModel):
    """Put `uri` into a QR code; the factor is on once a code was confirmed."""

    model_config = _shown(
        {
            "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "uri": "otpauth://totp/Ballast%3Aada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Ballast&digits=6&period=30",
        }
    )

    secret: str
    uri: str


class CodeIn(RequestModel):
    """A code of the authenticator app."""

    model_config = _shown({"code": "492039"})

    code: Code


class DisableTotpIn(RequestModel):
    """Both factors, once more."""

    model_config = _shown({"password": "a long pass phrase", "code": "492039"})

    password: PasswordText
    code: Code


class TokenIn(RequestModel):
    """A token never has more scopes than the credential that makes it."""

    model_config = _shown(
        {"name": "nightly script", "scopes": ["read", "trade"], "addresses": ["10.0.0.0/8"]}
    )

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)]
    expires_at: Moment | None = None
    addresses: Annotated[
        list[Annotated[str, StringConstraints(min_length=2, max_length=64)]],
        Field(max_length=ADDRESSES_MAX, description="CIDRs it may be used from; empty: anywhere."),
    ] = Field(default_factory=list)


class TokenOut(AnswerModel):
    """An API token without its secret."""

    model_config = _shown(_TOKEN)

    id: str
    name: str
    scopes: list[Scope]
    addresses: list[str]
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None = Field(description="Recorded at most once a minute.")


class CreatedTokenOut(TokenOut):
    """The only answer that carries the token."""

    model_config = _shown(_TOKEN | {"token": "blt_0190b6f0c4d57c1e8a54c0ffee000003_9x0Zt"})

    token: str | None = Field(description="Shown once; null in a replayed answer.")


class UserIn(RequestModel):
    """Without a password one is generated and shown once."""

    model_config = _shown({"username": "ada", "display_name": "Ada", "role": "trader"})

    username: UserName
    display_name: Name | None = Field(None, description="The user name when absent.")
    role: Role
    password: PasswordText | None = None


class CreatedUserOut(UserOut):
    """The new user, with the generated password if there is one."""

    model_config = _shown(_USER | {"password": "kT7vQ2mNp9RwXz4bHs6c"})

    password: str | None = Field(description="Only when it was generated; shown once.")


class UserPatch(RequestModel):
    """Fields left out stay as they are."""

    model_config = _shown({"role": "risk_manager"})

    display_name: Name | None = None
    role: Role | None = None
    is_active: StrictBool | None = None
    password: PasswordText | None = None
    totp_enabled: Literal[False] | None = Field(
        None, description="false switches the second factor off, for a lost device."
    )

"""Wires identity and settings: one provider for the container, one list of routers."""

from collections.abc import Iterable

from dishka import Provider, Scope, provide
from fastapi import APIRouter

from app.api.authentication import Authentication
from app.api.identity import account, login, tokens, users
from app.api.identity.asking import HashingLane, LoginBudget
from app.api.settings import routes as settings_routes
from app.settings import Settings
from application.identity.api_tokens import CreateApiToken, RevokeApiToken
from application.identity.bootstrap import CreateOwner
from application.identity.own_account import ChangePassword, ChangeProfile, EndSession
from application.identity.proof import ProvePresence, Reauthenticate
from application.identity.renew_session import RenewSession
from application.identity.second_factor import (
    ConfirmSecondFactor,
    DisableSecondFactor,
    EnrolSecondFactor,
    TotpCodes,
)
from application.identity.sign_in import SignIn
from application.identity.user_accounts import (
    ChangeUser,
    CreateUser,
    DeleteUser,
    PreparePassword,
)
from application.ports.access_tokens import AccessTokens
from application.ports.clock import Clock
from application.ports.hasher import PasswordHasher
from application.ports.login_throttle import LoginThrottle
from application.ports.rate_limiter import RateLimiter
from application.ports.unit_of_work import Store
from application.settings.change_settings import ChangeSettings
from application.settings.trading_status import LiveConditions, NoLiveVenue, ReadTradingStatus
from infrastructure.security.argon2_hasher import Argon2Hasher
from infrastructure.security.in_process_login_throttle import InProcessLoginThrottle
from infrastructure.security.jwt_access_tokens import JwtAccessTokens
from infrastructure.security.service_secret import SECRET_FILE, KeyRing, read_or_create_secret

ROUTERS: tuple[APIRouter, ...] = (
    login.router, account.router, tokens.router, users.router, settings_routes.router,
)  # fmt: skip


class Identity(Provider):
    """Needs Settings, Store, Clock, Ids and RateLimiter from the other providers."""

    scope = Scope.APP

    sign_in = provide(SignIn)
    renew_session = provide(RenewSession)
    prove_presence = provide(ProvePresence)
    reauthenticate = provide(Reauthenticate)
    create_owner = provide(CreateOwner)
    change_profile = provide(ChangeProfile)
    change_password = provide(ChangePassword)
    end_session = provide(EndSession)
    enrol = provide(EnrolSecondFactor)
    confirm = provide(ConfirmSecondFactor)
    disable = provide(DisableSecondFactor)
    create_token = provide(CreateApiToken)
    revoke_token = provide(RevokeApiToken)
    prepare_password = provide(PreparePassword)
    create_user = provide(CreateUser)
    change_user = provide(ChangeUser)
    delete_user = provide(DeleteUser)
    change_settings = provide(ChangeSettings)
    trading_status = provide(ReadTradingStatus)

    @provide
    def key_ring(self, settings: Settings) -> KeyRing:
        return KeyRing(service_secret(settings))

    @provide
    def hasher(self) -> PasswordHasher:
        return Argon2Hasher()

    @provide
    def throttle(self, settings: Settings) -> LoginThrottle:
        if not settings.redis_url:
            return InProcessLoginThrottle()
        from infrastructure.security.redis_login_throttle import (  # noqa: PLC0415
            RedisLoginThrottle,
        )

        return RedisLoginThrottle(settings.redis_url)

    @provide
    def access_tokens(self, keys: KeyRing) -> AccessTokens:
        return JwtAccessTokens(keys.key("access-tokens"))

    @provide
    def totp_codes(self, keys: KeyRing) -> TotpCodes:
        return TotpCodes(keys.key("totp"))

    @provide
    def authentication(
        self, store: Store, access_tokens: AccessTokens, clock: Clock, settings: Settings
    ) -> Authentication:
        return Authentication(store, access_tokens, clock, required=settings.auth == "on")

    @provide
    def lane(self) -> Iterable[HashingLane]:
        lane = HashingLane()
        yield lane
        lane.close()

    @provide
    def budget(self, limiter: RateLimiter, settings: Settings) -> LoginBudget:
        return LoginBudget(
            limiter,
            logins_per_15_minutes=settings.rate_auth_per_15_minutes,
            refreshes_per_minute=settings.rate_write_per_minute,
        )

    @provide
    def live_conditions(self) -> LiveConditions:
        return NoLiveVenue()


def service_secret(settings: Settings) -> bytes:
    """From BALLAST_SECRET, else its file, else the data folder, where it is made once."""
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    if settings.secret_file is not None:
        return settings.secret_file.read_bytes().strip()
    return read_or_create_secret(settings.data_dir / SECRET_FILE)

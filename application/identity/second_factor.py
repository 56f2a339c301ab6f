"""Enrol, confirm and switch off a TOTP second factor, and check codes at login."""

from dataclasses import dataclass, replace
from datetime import datetime

from application.identity.opaque_secrets import base32, new_salt
from application.identity.recording import USER, record
from application.identity.totp import derived_secret, enrolment_uri, matching_step
from application.identity.user import SecondFactor, User
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import AccessDenied, Conflict


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs; shown once, not valid until confirmed with a code."""

    secret: str
    uri: str


class TotpCodes:
    """Checks codes against secrets derived from the service's key; nothing secret is stored."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def secret_of(self, user: User, salt: str) -> bytes:
        """Secret of an enrolment."""
        return derived_secret(self._key, user.id, salt)

    def accepted_step(self, user: User, code: str, now: datetime) -> int | None:
        """Step to mark as used when the code is right and fresh, else None."""
        factor = user.second_factor
        if factor is None:
            return None
        return matching_step(self.secret_of(user, factor.salt), code, now, factor.last_step)


class EnrolSecondFactor:
    """Start an enrolment; a second start replaces an unconfirmed one. Conflict when it is on."""

    def __init__(self, codes: TotpCodes) -> None:
        self._codes = codes

    def __call__(self, user_id: str, work: UnitOfWork) -> Enrolment:
        user = work.users.get(user_id)
        if user.needs_second_factor:
            raise Conflict("totp_already_enabled", "The second factor is already on.")
        salt = new_salt()
        _save(user, SecondFactor(salt, None, 0), work)
        record(work, "totp_enrolment_started", (USER, user.id), "A TOTP enrolment was started.")
        secret = self._codes.secret_of(user, salt)
        return Enrolment(base32(secret), enrolment_uri(secret, user.username))


class ConfirmSecondFactor:
    """A right code switches the factor on; its step is used up."""

    def __init__(self, codes: TotpCodes) -> None:
        self._codes = codes

    def __call__(self, user_id: str, code: str, work: UnitOfWork) -> None:
        user = work.users.get(user_id)
        factor = user.second_factor
        if factor is None or factor.is_confirmed:
            raise Conflict("totp_not_enrolling", "There is no enrolment to confirm.")
        step = self._codes.accepted_step(user, code, work.now)
        if step is None:
            raise AccessDenied("wrong_code", "The code is wrong, old or already used.")
        _save(user, SecondFactor(factor.salt, work.now, step), work)
        record(work, "totp_enabled", (USER, user.id), "The second factor is on.")


class DisableSecondFactor:
    """Switch the factor off for a caller who has just proved password and code."""

    def __call__(self, user_id: str, work: UnitOfWork) -> None:
        user = work.users.get(user_id)
        if not user.needs_second_factor:
            raise Conflict("totp_not_enabled", "The second factor is not on.")
        _save(user, None, work)
        record(work, "totp_disabled", (USER, user.id), "The second factor is off.")


def use_step(user: User, step: int, work: UnitOfWork) -> User | None:
    """The user with the step used up; None when another login used it first."""
    factor = user.second_factor
    if factor is None or step <= factor.last_step:
        return None
    return replace(user, second_factor=replace(factor, last_step=step))


def _save(user: User, factor: SecondFactor | None, work: UnitOfWork) -> None:
    work.users.save(
        replace(user, second_factor=factor, updated_at=work.now, version=user.version + 1)
    )

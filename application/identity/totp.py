"""Time-based one-time passwords (RFC 6238): HMAC-SHA1, 30 s steps, 6 digits."""

import hmac
import struct
from datetime import datetime
from urllib.parse import quote

from application.identity.opaque_secrets import base32

STEP_S = 30
DIGITS = 6
DRIFT_STEPS = 1
SECRET_BYTES = 20


def step_of(now: datetime) -> int:
    """Whole steps since the epoch."""
    return int(now.timestamp()) // STEP_S


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """HOTP value of the step: dynamic truncation of HMAC-SHA1, RFC 4226 section 5.3."""
    mac = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    offset = mac[-1] & 0x0F
    (value,) = struct.unpack(">I", mac[offset : offset + 4])
    return str((value & 0x7FFF_FFFF) % 10**digits).zfill(digits)


def matching_step(secret: bytes, code: str, now: datetime, last_step: int) -> int | None:
    """The step the code belongs to, None when it fits none.

    One step of clock drift each way is accepted; steps up to `last_step` are used up. Every
    candidate is compared in constant time.
    """
    current = step_of(now)
    found: int | None = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and step > last_step:
            found = step
    return found


def derived_secret(key: bytes, user_id: str, salt: str) -> bytes:
    """Secret of an enrolment: HMAC-SHA256(service key, user ‖ salt), cut to 160 bits.

    Nothing that yields codes is stored: a copy of the database without the service key is useless.
    """
    return hmac.digest(key, f"{user_id}:{salt}".encode(), "sha256")[:SECRET_BYTES]


def enrolment_uri(secret: bytes, username: str) -> str:
    """`otpauth://` address for the QR code of an authenticator app."""
    label = quote(f"Ballast:{username}")
    return f"otpauth://totp/{label}?secret={base32(secret)}&issuer=Ballast&digits={DIGITS}&period={STEP_S}"

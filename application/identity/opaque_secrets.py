"""High-entropy secrets that clients present, and the form in which they are stored.

Secrets carry 256 random bits, so one SHA-256 is as strong at rest as argon2id: nobody can enumerate
them, and a slow hash would only make every request expensive. Passwords are another matter.
"""

import base64
import secrets
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest

API_TOKEN_MARK = "blt"  # noqa: S105 - a prefix
REFRESH_MARK = "blr"
SECRET_BYTES = 32
_ID_DIGITS = 32
_HEX = frozenset("0123456789abcdef")
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
GENERATED_PASSWORD_LENGTH = 20


def digest(secret: str) -> str:
    """SHA-256, hex."""
    return sha256(secret.encode()).hexdigest()


def matches(stored_digest: str, secret: str) -> bool:
    """True when the secret has this digest; in constant time."""
    return compare_digest(stored_digest, digest(secret))


def new_refresh_secret() -> str:
    """`blr_…`: 256 random bits."""
    return f"{REFRESH_MARK}_{secrets.token_urlsafe(SECRET_BYTES)}"


def new_password() -> str:
    """20 characters without look-alikes: 116 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(GENERATED_PASSWORD_LENGTH))


def new_salt() -> str:
    """128 random bits, hex."""
    return secrets.token_hex(16)


def base32(raw: bytes) -> str:
    """RFC 4648 base32 without padding, as authenticator apps take it."""
    return base64.b32encode(raw).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class PresentedApiToken:
    """The two parts of `blt_<id>_<secret>`."""

    token_id: str
    secret: str

    @property
    def text(self) -> str:
        """What the client sends."""
        return f"{API_TOKEN_MARK}_{self.token_id.removeprefix('tok_')}_{self.secret}"

    @staticmethod
    def mint(token_id: str) -> "PresentedApiToken":
        """A token with a fresh secret."""
        return PresentedApiToken(token_id, secrets.token_urlsafe(SECRET_BYTES))

    @staticmethod
    def parse(text: str) -> "PresentedApiToken | None":
        """The parts, None for anything that is not shaped like a token."""
        mark, _, rest = text.partition("_")
        id_digits, _, secret = rest.partition("_")
        if mark != API_TOKEN_MARK or not secret or len(text) > 256:
            return None
        if len(id_digits) != _ID_DIGITS or not _HEX.issuperset(id_digits):
            return None
        return PresentedApiToken(f"tok_{id_digits}", secret)

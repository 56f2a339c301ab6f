"""The service's one secret, the keys derived from it, and files only their owner may read."""

import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SECRET_BYTES_MIN = 32
SECRET_FILE = "secret.key"  # noqa: S105 - a file name
OWNER_TOKEN_FILE = "owner.token"  # noqa: S105 - a file name
PRIVATE = 0o600

# Compared without case, digits and signs: what tutorials and compose files ship.
_KNOWN_WEAK = (
    "changeme", "changemeplease", "pleasechangeme", "changethis", "changethissecret", "secret",
    "secretkey", "mysecret", "mysecretkey", "supersecret", "supersecretkey", "jwtsecret",
    "jwtsecretkey", "yoursecret", "yoursecretkey", "yoursecretkeyhere", "yoursecrethere",
    "yoursupersecretkey", "yoursecretkeychangeinproduction", "insecure", "djangoinsecure",
    "password", "default", "defaultsecret", "development", "devsecret", "test", "testsecret",
    "example", "examplesecret", "ballast", "ballastsecret", "replaceme", "todo",
)  # fmt: skip
_DISTINCT_BYTES_MIN = 8


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Purpose-bound keys, so that one use of the secret can never be replayed as another."""

    secret: bytes = field(repr=False)

    def key(self, purpose: str) -> bytes:
        """HMAC-SHA256(secret, purpose): 32 bytes."""
        return hmac.digest(self.secret, f"ballast/{purpose}".encode(), "sha256")


def weakness_of(secret: bytes) -> str | None:
    """Why the secret must not be used, None when it may: length, variety, known values."""
    if len(secret) < SECRET_BYTES_MIN:
        return f"it has {len(secret)} bytes and needs at least {SECRET_BYTES_MIN}"
    if len(set(secret)) < _DISTINCT_BYTES_MIN:
        return "it repeats too few different bytes"
    letters = "".join(c for c in secret.decode("latin-1").lower() if c.isascii() and c.isalpha())
    for word in _KNOWN_WEAK:
        if letters and not letters.replace(word, ""):
            return "it is a known default"
    return None


def read_or_create_secret(path: Path) -> bytes:
    """The secret in the file; a missing file is created with 256 random bits, mode 0600."""
    with suppress(FileExistsError):
        write_private(path, secrets.token_urlsafe(SECRET_BYTES_MIN), replace=False)
    return path.read_bytes().strip()


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """Write one line that only the owner of the file can read, whole or not at all.

    Without `replace` FileExistsError when the file is there.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)

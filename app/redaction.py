"""Takes secrets out of log records: by the name of a key, by the look of a value, by known text."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.shared.decimals import plain

MASK = "[redacted]"
DEPTH_MAX = 8
KNOWN_SECRET_LENGTH_MIN = 8

_SENSITIVE_KEY = re.compile(
    r"authorization|passw|passphrase|secret|token|cookie|api_?key|private_?key|credential"
    r"|mnemonic|otp|jwt|signature",
    re.IGNORECASE,
)
# `token_id` names a credential without being one.
_HARMLESS_KEY = re.compile(
    r"(_id|_ids|_at|_count|_file|_kind|_type|_name|_url|_in_use)$", re.IGNORECASE
)

_SENSITIVE_VALUE = re.compile(
    r"blt_[A-Za-z0-9]+_[A-Za-z0-9_-]+"
    r"|\bblr_[A-Za-z0-9_-]+"
    r"|eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\b0x[0-9a-fA-F]{64}\b",
    re.DOTALL,
)
_AFTER_SCHEME = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(://[^/\s:@]*:)[^@\s]*(@)")
_ASSIGNED = re.compile(
    r"((?:passw(?:or)?d|secret|token|api_?key|signature|otp)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;)}\]]+",
    re.IGNORECASE,
)
_SUSPICIOUS = re.compile(
    r"bl[tr]_|eyJ|BEGIN|0x|bearer|basic|://|passw|secret|token|api_?key|signature|otp",
    re.IGNORECASE,
)


class Redactor:
    """Thread-safe for reading; `remember` is called while the service starts."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()

    def remember(self, *secrets: str) -> None:
        """Mask these texts wherever they turn up; shorter ones than 8 characters are ignored."""
        fresh = {text for text in secrets if len(text) >= KNOWN_SECRET_LENGTH_MIN}
        self._known = tuple(sorted({*self._known, *fresh}, key=len, reverse=True))

    def text(self, value: str) -> str:
        """The text with everything that looks like a credential masked."""
        if not value.isascii():
            value = value.encode("utf-8", "replace").decode("utf-8")
        for secret in self._known:
            if secret in value:
                value = value.replace(secret, MASK)
        if _SUSPICIOUS.search(value) is None:
            return value
        value = _SENSITIVE_VALUE.sub(MASK, value)
        value = _AFTER_SCHEME.sub(lambda m: f"{m[1]} {MASK}", value)
        value = _IN_ADDRESS.sub(lambda m: f"{m[1]}{MASK}{m[2]}", value)
        return _ASSIGNED.sub(lambda m: f"{m[1]}{MASK}", value)

    def value(self, value: Any, depth: int = 0) -> Any:
        """A JSON value with secrets masked; anything that is not JSON becomes its text."""
        if value is None or isinstance(value, (bool, float)):
            return value
        if isinstance(value, int):
            return value if value.bit_length() < 64 else str(value)
        if isinstance(value, (datetime, date, Decimal)):
            return _as_text(value)
        if depth >= DEPTH_MAX:
            return "[too deep]"
        if isinstance(value, Mapping):
            return {str(k): self.member(str(k), item, depth + 1) for k, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(item, depth + 1) for item in value]
        return self.text(str(value))

    def member(self, key: str, value: Any, depth: int = 0) -> Any:
        """The value under a key: masked whole when the key's name says it is a secret."""
        if is_sensitive(key) and value is not None and not isinstance(value, bool):
            return MASK
        return self.value(value, depth)


def _as_text(value: datetime | date | Decimal) -> str:
    if isinstance(value, Decimal):
        return plain(value) if value.is_finite() else str(value)
    return value.isoformat()


def is_sensitive(key: str) -> bool:
    """True when values under this name are secrets."""
    return _SENSITIVE_KEY.search(key) is not None and _HARMLESS_KEY.search(key) is None

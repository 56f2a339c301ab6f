"""What a password must be: long, not famous, not the user's own name. No composition rules."""

import unicodedata

from domain.shared.errors import FieldFault, Invalid

LENGTH_MIN = 12
LENGTH_MAX = 128
DISTINCT_MIN = 5

# Famous passwords of twelve characters and more, and stems that people pad to reach the length.
DENIED = frozenset(
    {
        "123456789012", "1234567890123", "12345678901234", "123123123123", "1q2w3e4r5t6y",
        "1q2w3e4r5t6y7u", "abcdefghijkl", "abcdefghijklm", "administrator", "adminadminadmin",
        "ballastballast", "changemechangeme", "correcthorsebatterystaple", "iloveyouiloveyou",
        "letmeinletmein", "mynameismyname", "passwordpassword", "password12345",
        "qazwsxedcrfv", "qwertyqwerty", "qwertyuiop123", "qwertyuiopas", "qwertyuiopasdf",
        "qwertyuiopasdfghjkl", "secretsecret", "trustno1trustno1", "welcomewelcome",
    }
)  # fmt: skip
DENIED_STEMS = (
    "password", "passw0rd", "p@ssword", "p@ssw0rd", "changeme", "welcome", "letmein", "qwerty",
    "ballast", "admin", "owner", "secret", "iloveyou", "123456789", "trading", "bitcoin",
)  # fmt: skip

_PADDING = "0123456789!@#$%^&*.,_-+? "


def normal_password(text: str) -> str:
    """NFKC form, so that one password typed on two keyboards hashes alike."""
    return unicodedata.normalize("NFKC", text)


def require_strong(password: str, username: str, pointer: str = "/new_password") -> None:
    """Invalid `weak_password` with the rule that failed; the password is never echoed."""
    fault = _fault(normal_password(password), username)
    if fault is not None:
        code, message = fault
        raise Invalid(
            "weak_password",
            f"The password is not accepted: {message}.",
            errors=(FieldFault(pointer, code, message),),
        )


def _fault(password: str, username: str) -> tuple[str, str] | None:
    if len(password) < LENGTH_MIN:
        return "too_short", f"at least {LENGTH_MIN} characters"
    if len(password) > LENGTH_MAX:
        return "too_long", f"at most {LENGTH_MAX} characters"
    folded = password.casefold()
    if len(set(folded)) < DISTINCT_MIN:
        return "too_uniform", f"at least {DISTINCT_MIN} different characters"
    if folded in DENIED or _is_padded_stem(folded, (*DENIED_STEMS, username.casefold())):
        return "too_common", "it is among the first ones anybody would try"
    return None


def _is_padded_stem(password: str, stems: tuple[str, ...]) -> bool:
    """A denied word with digits, signs or itself around it."""
    for stem in stems:
        if stem in password and not password.replace(stem, "").strip(_PADDING):
            return True
    return False

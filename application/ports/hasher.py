"""Slow, salted password hashing."""

from typing import Protocol


class PasswordHasher(Protocol):
    """Blocking and thread-safe; an adapter bounds how many hashes run at once.

    Callers run it off the event loop and outside the writer: a hash takes tens of milliseconds.
    """

    def hash(self, password: str) -> str:
        """Self-describing hash with its own salt."""
        ...

    def verify(self, password_hash: str, password: str) -> bool:
        """True when the password is the hashed one; a damaged hash is False, never an error."""
        ...

    def verify_decoy(self, password: str) -> None:
        """The work of `verify` for a user who does not exist, so that both take the same time."""
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """True when today's parameters are stronger than those of the hash."""
        ...

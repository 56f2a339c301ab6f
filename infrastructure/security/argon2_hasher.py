"""Passwords hashed with argon2id, at most two at a time."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

MEMORY_KIB = 19_456
TIME_COST = 2
PARALLELISM = 1
AT_ONCE = 2
_DECOY_PASSWORD = "nobody has this password"  # noqa: S105


class Argon2Hasher:
    """`PasswordHasher` port: argon2id with m = 19 MiB, t = 2, p = 1.

    The semaphore bounds memory and CPU whoever calls: a flood of logins queues here and cannot
    take the machine from the trading loops.
    """

    def __init__(
        self, memory_kib: int = MEMORY_KIB, time_cost: int = TIME_COST, at_once: int = AT_ONCE
    ) -> None:
        self._argon2 = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=PARALLELISM, type=Type.ID
        )
        self._slots = threading.BoundedSemaphore(at_once)
        self._decoy: str | None = None

    def hash(self, password: str) -> str:
        """PHC string."""
        with self._slots:
            return self._argon2.hash(password)

    def verify(self, password_hash: str, password: str) -> bool:
        """True when the password is the hashed one."""
        with self._slots:
            try:
                return self._argon2.verify(password_hash, password)
            except (VerificationError, InvalidHashError):
                return False

    def verify_decoy(self, password: str) -> None:
        """Verify against a hash with today's parameters that belongs to nobody."""
        if self._decoy is None:
            self._decoy = self.hash(_DECOY_PASSWORD)
        self.verify(self._decoy, password)

    def is_outdated(self, password_hash: str) -> bool:
        """True when the parameters of the hash are not today's."""
        return self._argon2.check_needs_rehash(password_hash)

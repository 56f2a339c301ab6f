"""How long those wait who keep failing to log in: one rule for every throttle."""

from dataclasses import dataclass

from domain.shared.errors import TooMany


@dataclass(frozen=True, slots=True)
class LoginDelays:
    """The fifth failure within 15 minutes blocks a key for 5 s, every further one for twice as
    long, up to 15 minutes. A count is forgotten `window_s` after its last failure or block ended.
    """

    free_failures: int = 5
    first_s: float = 5.0
    max_s: float = 900.0
    window_s: float = 900.0

    def delay_s(self, failures: int) -> float:
        """0 below `free_failures`, then first_s · 2^(n - free_failures), at most max_s."""
        if failures < self.free_failures:
            return 0.0
        return min(self.max_s, self.first_s * 2.0 ** min(failures - self.free_failures, 20))


def login_delayed(left_s: float) -> TooMany:
    """What a blocked key is told."""
    return TooMany(
        "login_delayed", "Too many failed logins; wait before the next try.", retry_after_s=left_s
    )

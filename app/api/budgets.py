"""Request budgets per principal: read, write, orders, compute; risk-reducing calls are exempt."""

from enum import StrEnum
from math import ceil

from fastapi import Request

from app.settings import Settings
from application.context import Principal
from application.ports.rate_limiter import RateLimiter, RateVerdict
from domain.shared.errors import TooMany

WINDOW_S = 60


class Bucket(StrEnum):
    """`method`: read for GET, else write. `exempt`: stopping must always get through."""

    METHOD = "method"
    READ = "read"
    WRITE = "write"
    ORDERS = "orders"
    COMPUTE = "compute"
    EXEMPT = "exempt"


def policy(bucket: str, limit: int, window_s: int) -> bytes:
    """Value of `RateLimit-Policy`."""
    return f'"{bucket}";q={limit};w={window_s}'.encode()


def leave_headers(request: Request, bucket: str, verdict: RateVerdict, named: bytes) -> None:
    """Have the answer say what is left of a budget."""
    left = f'"{bucket}";r={verdict.remaining};t={ceil(verdict.reset_after_s)}'
    request.scope["ballast_headers"] = (
        (b"ratelimit", left.encode()),
        (b"ratelimit-policy", named),
    )


class Budgets:
    """Spends one call; TooMany `rate_limited` with Retry-After when the budget is used up."""

    def __init__(self, limiter: RateLimiter, settings: Settings) -> None:
        self._limiter = limiter
        self._limits = {
            Bucket.READ: settings.rate_read_per_minute,
            Bucket.WRITE: settings.rate_write_per_minute,
            Bucket.ORDERS: settings.rate_orders_per_minute,
            Bucket.COMPUTE: settings.rate_compute_per_minute,
        }
        self._policies = {
            bucket: policy(bucket.value, limit, WINDOW_S) for bucket, limit in self._limits.items()
        }

    async def spend(self, request: Request, principal: Principal, bucket: Bucket) -> None:
        """Count the call and leave the RateLimit headers for the answer."""
        if bucket is Bucket.EXEMPT:
            return
        if bucket is Bucket.METHOD:
            bucket = Bucket.READ if request.scope["method"] == "GET" else Bucket.WRITE
        verdict = await self._limiter.hit(
            bucket.value, principal.user_id, self._limits[bucket], WINDOW_S
        )
        leave_headers(request, bucket.value, verdict, self._policies[bucket])
        if not verdict.allowed:
            raise TooMany(
                "rate_limited",
                f"The {bucket.value} budget of {self._limits[bucket]} calls a minute is used up.",
                context={"bucket": bucket.value, "limit": self._limits[bucket]},
                retry_after_s=verdict.retry_after_s,
            )

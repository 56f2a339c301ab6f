"""What the status routes need, gathered once by the container."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Literal

from app.health import HealthBoard, Readiness
from app.logging import Logs
from app.metrics import Metrics


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """How this process was set up."""

    name: str
    version: str
    database: str
    schema_revision: str | None
    messaging: str
    compute: str
    auth: Literal["on", "off"]
    trusts_loopback: bool


@dataclass(frozen=True, slots=True)
class Operations:
    """Health, metrics and logs of this process. `trusts_loopback` is false behind a proxy."""

    facts: ServiceFacts
    board: HealthBoard
    readiness: Readiness
    metrics: Metrics
    logs: Logs
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_monotonic_s: float = field(default_factory=monotonic)

    @property
    def uptime_s(self) -> float:
        """Seconds since the start."""
        return round(monotonic() - self.started_monotonic_s, 3)

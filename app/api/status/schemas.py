"""Answers about the service itself."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.api.wire import AnswerModel


class Alive(AnswerModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class AliveVersioned(Alive):
    """The process answers, under the version prefix."""

    version: Literal["v1"] = "v1"


class Welcome(AnswerModel):
    """Where to go from the root."""

    message: str = Field(examples=["Ballast trading-risk service"])
    status: Literal["running"] = "running"
    version: str
    timestamp: datetime
    docs: str = Field(examples=["/docs"])
    dashboard: str | None


class HealthOut(AnswerModel):
    """`degraded`: it works, and something needs attention."""

    status: Literal["healthy", "degraded"]
    timestamp: datetime = Field(description="When the probes looked.")
    version: str
    uptime_s: float


class ComponentOut(AnswerModel):
    """One probe's reading."""

    status: Literal["healthy", "degraded", "unhealthy"]
    detail: str
    facts: dict[str, Any]


class DetailedHealthOut(HealthOut):
    """Every probe's reading."""

    components: dict[str, ComponentOut]


class MetricsOut(AnswerModel):
    """The numbers a person asks for first; all of them are at /metrics."""

    timestamp: datetime
    uptime_s: float
    requests_total: int
    requests_failed_total: int = Field(description="Answered with 500 or above.")
    requests_in_flight: int
    latency_p50_s: float | None = Field(description="Upper bound of the bucket; null at first.")
    latency_p99_s: float | None = Field(description="Upper bound of the bucket; null at first.")
    writer_queue_depth: int
    writer_batches_total: int
    writer_commands_total: int
    readings: dict[str, dict[str, float]] = Field(description="Value by label, by name.")


class InfoOut(AnswerModel):
    """What runs here."""

    name: str
    version: str
    api_version: str
    python: str
    platform: str
    started_at: datetime
    uptime_s: float
    database: str = Field(examples=["sqlite"])
    schema_revision: str | None
    messaging: str = Field(examples=["in_process"])
    compute: str = Field(examples=["local"])
    auth: Literal["on", "off"]


class LogsOut(AnswerModel):
    """The newest log records of this process, secrets masked, newest first."""

    items: list[dict[str, Any]]

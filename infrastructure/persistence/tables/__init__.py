"""Tables of the store, one module per capability, on one metadata."""

from infrastructure.persistence.tables import (
    configuration,
    corporate_actions,
    identity,
    jobs,
    ledger,
    market,
    market_state,
    plans,
    platform,
    portfolio,
    reports,
    simulation,
)
from infrastructure.persistence.tables.metadata import METADATA

__all__ = [
    "METADATA",
    "configuration",
    "corporate_actions",
    "identity",
    "jobs",
    "ledger",
    "market",
    "market_state",
    "plans",
    "platform",
    "portfolio",
    "reports",
    "simulation",
]

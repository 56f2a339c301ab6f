"""Tables of the store, one module per capability, on one metadata."""

from infrastructure.persistence.tables import (
    identity,
    jobs,
    market,
    platform,
    portfolio,
    simulation,
)
from infrastructure.persistence.tables.metadata import METADATA

__all__ = ["METADATA", "identity", "jobs", "market", "platform", "portfolio", "simulation"]

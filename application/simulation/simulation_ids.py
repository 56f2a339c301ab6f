"""Ids of the simulation's book: whoever sees one knows that no money hangs on it."""

from application.ports.ids import Ids
from domain.shared.ids import SIMULATION_PREFIX, Prefix


class SimulationIds:
    """`Ids` with `sim_` in front: `sim_ord_…`."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def new(self, prefix: Prefix) -> str:
        """`sim_{prefix}_{UUIDv7 hex}`."""
        return SIMULATION_PREFIX + self._ids.new(prefix)

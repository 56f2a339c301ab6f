"""Versions of the desktop configuration in memory."""

from collections.abc import Sequence

from application.context import RequestContext
from application.risk.configuration_version import FIRST_VERSION, ConfigurationVersion
from domain.shared.errors import StaleVersion
from infrastructure.persistence.memory.tables import Tables


class MemoryConfigurationBook:
    """`ConfigurationBook` in memory."""

    def __init__(self, tables: Tables, context: RequestContext) -> None:
        self._rows = tables.configurations
        self._owner_id = context.owner_id

    def newest(self) -> ConfigurationVersion | None:
        return next(iter(self.list(1)), None)

    def add(self, version: ConfigurationVersion) -> None:
        newest = self.newest()
        if version.version != (newest.version if newest else FIRST_VERSION) + 1:
            raise StaleVersion("stale_version", "The configuration changed meanwhile.")
        self._rows.add((self._owner_id, version.version), version)

    def list(self, limit: int, before: int | None = None) -> Sequence[ConfigurationVersion]:
        mine = (
            row
            for (owner_id, number), row in self._rows.items()
            if owner_id == self._owner_id and (before is None or number < before)
        )
        return sorted(mine, key=lambda row: row.version, reverse=True)[:limit]

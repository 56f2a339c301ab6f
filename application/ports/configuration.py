"""Where versions of the desktop configuration are kept."""

from collections.abc import Sequence
from typing import Protocol

from application.risk.configuration_version import ConfigurationVersion


class ConfigurationBook(Protocol):
    """Append-only versions of the context's owner."""

    def newest(self) -> ConfigurationVersion | None:
        """None before the first change."""
        ...

    def add(self, version: ConfigurationVersion) -> None:
        """StaleVersion `stale_version` unless it follows the newest; the first one is 2, because
        1 are the defaults.
        """
        ...

    def list(self, limit: int, before: int | None = None) -> Sequence[ConfigurationVersion]:
        """Newest first, strictly below `before`."""
        ...

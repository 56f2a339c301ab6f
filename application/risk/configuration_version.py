"""One stored version of the desktop configuration: its layers, and who changed what, when, why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

FIRST_VERSION = 1
"""The defaults, before anything was changed; it has no row."""


@dataclass(frozen=True, slots=True)
class Layers:
    """Published values by path, as each source gave them."""

    file: Mapping[str, object] = field(default_factory=dict)
    changes: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConfigurationVersion:
    """Immutable. `diff` lists effective changes to the version before; `hash` is the document's."""

    version: int
    layers: Layers
    hash: str
    diff: Sequence[Mapping[str, object]]
    actor: str
    reason: str | None
    at: datetime

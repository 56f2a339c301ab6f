"""What holds now: defaults < file < changes through the API < environment, key by key."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cache

from application.ports.unit_of_work import UnitOfWork
from application.risk.configuration_document import DEFAULTS, Layer, configuration_of, nested
from application.risk.configuration_version import FIRST_VERSION, Layers
from domain.risk.desktop_configuration import DesktopConfiguration
from domain.risk.desktop_keys import KEYS
from domain.shared.canonical import signature
from domain.shared.errors import FieldFault, Invalid

_REMEMBERED = "effective configuration"


class Source(StrEnum):
    """Which layer a value comes from."""

    DEFAULT = "default"
    FILE = "file"
    API = "api"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class EffectiveConfiguration:
    """The layers of one version, merged. `values` are published; `configuration` is what rules
    read.
    """

    version: int
    layers: Layers
    values: Layer
    sources: Mapping[str, Source]
    configuration: DesktopConfiguration
    changed_at: datetime | None = None
    hash: str = field(default="")

    def changed(self, layers: Layers, at: datetime) -> "EffectiveConfiguration":
        """The next version with other layers. Invalid `invalid_configuration`."""
        return replace(merged(layers, self.version + 1), changed_at=at)

    def diff(self, after: "EffectiveConfiguration") -> tuple[dict[str, object], ...]:
        """What changes from this to another, key by key, and what each means for risk."""
        before = self.configuration
        return tuple(
            {
                "path": key.path,
                "from": self.values[key.path],
                "to": after.values[key.path],
                "direction": key.direction(
                    before.value_of(key), after.configuration.value_of(key)
                ).value,
            }
            for key in KEYS
            if self.values[key.path] != after.values[key.path]
        )


def merged(layers: Layers, version: int) -> EffectiveConfiguration:
    """The layers on top of the defaults. Invalid `invalid_configuration` names who set what."""
    given = {**DEFAULTS, **layers.file, **layers.changes, **layers.environment}
    # A stored key that this release does not know is left out.
    values = {path: given[path] for path in DEFAULTS}
    sources = {path: _source(path, layers) for path in values}
    try:
        configuration = configuration_of(values)
    except Invalid as fault:
        raise _with_sources(fault, sources) from None
    hashed = signature(nested(values))
    return EffectiveConfiguration(version, layers, values, sources, configuration, None, hashed)


def _source(path: str, layers: Layers) -> Source:
    if path in layers.environment:
        return Source.ENVIRONMENT
    if path in layers.changes:
        return Source.API
    return Source.FILE if path in layers.file else Source.DEFAULT


def _with_sources(fault: Invalid, sources: Mapping[str, Source]) -> Invalid:
    """Two values can be right by themselves and wrong together, from two layers."""
    low, high = (sources[f"risk_limits.{name}_stop_distance"] for name in ("min", "max"))
    whose = "" if low is high else f"; they are set by {low.value} and {high.value}"
    errors = tuple(FieldFault(e.pointer, e.code, f"{e.message}{whose}") for e in fault.errors)
    return invalid_configuration(errors)


def invalid_configuration(faults: tuple[FieldFault, ...], subject: str = "") -> Invalid:
    """One fault for all of them; its message is one line that says everything."""
    told = "; ".join(f"{fault.pointer or '/'}: {fault.message}" for fault in faults)
    return Invalid(
        "invalid_configuration",
        f"{subject or 'The configuration'} is not valid: {told}.",
        errors=faults,
    )


@cache
def _defaults() -> EffectiveConfiguration:
    return merged(Layers(), FIRST_VERSION)


def read_effective(work: UnitOfWork) -> EffectiveConfiguration:
    """The owner's configuration with version, sources and hash; the defaults as version 1 before
    anything was changed.
    """
    newest = work.configuration.newest()
    if newest is None:
        return _defaults()
    owner_id = work.context.owner_id
    known = work.recall(_REMEMBERED, owner_id)
    if isinstance(known, EffectiveConfiguration) and known.version == newest.version:
        return known
    effective = replace(merged(newest.layers, newest.version), changed_at=newest.at)
    work.remember(_REMEMBERED, owner_id, effective)
    return effective


def desktop_configuration(work: UnitOfWork) -> DesktopConfiguration:
    """The owner's configuration for a decision of this transaction, in domain units."""
    return read_effective(work).configuration

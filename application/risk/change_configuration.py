"""Change the desktop configuration by a merge patch: one rule for who may, one version, one event.

Tightening is open to traders, at once. Loosening needs a risk manager who has just shown a password
or a code, and a reason. Nothing of a patch is kept when any part of it is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from application.context import ROLE_SCOPES, Principal, Scope
from application.identity.proof import require_fresh_login
from application.market.record_market_state import RecordMarketState
from application.market.regime_settings import changes_regimes
from application.ports.unit_of_work import UnitOfWork
from application.risk.configuration_document import layer_of, members_of
from application.risk.configuration_variables import variable_of
from application.risk.configuration_version import ConfigurationVersion, Layers
from application.risk.effective_configuration import (
    EffectiveConfiguration,
    invalid_configuration,
    read_effective,
)
from domain.risk.desktop_keys import KEYS, SECTIONS
from domain.shared.errors import AccessDenied, Conflict, FieldFault, Invalid, StaleVersion
from domain.shared.events import NewEvent, explained

REASON_LENGTH_MAX = 500
REASON = "reason"


@dataclass(frozen=True, slots=True)
class ConfigurationPatch:
    """Values to set and paths to give back to the layers below, with the reason."""

    values: Mapping[str, object] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    reason: str | None = None


def parse_patch(body: Mapping[str, object]) -> ConfigurationPatch:
    """A merge patch of the published document with an optional `reason` beside the sections.

    null gives a key, or a whole section, back to file or default; for a key whose value may be
    null, null is the value. Invalid `invalid_configuration` with a pointer for every fault.
    """
    faults: list[FieldFault] = []
    reason = _reason(body.get(REASON), faults)
    sections = {name: members for name, members in body.items() if name != REASON}
    dropped = {
        key.path for key in KEYS if key.section in sections and sections[key.section] is None
    }
    named = {n: m for n, m in sections.items() if m is not None or n not in SECTIONS}
    given: dict[str, dict[str, object]] = {}
    for key, value in members_of(named, faults):
        if value is None and not key.may_be_null:
            dropped.add(key.path)
        else:
            given.setdefault(key.section, {})[key.name] = value
    values = layer_of(given, faults)
    if faults:
        raise invalid_configuration(tuple(faults))
    return ConfigurationPatch(values, frozenset(dropped), reason)


def _reason(value: object, faults: list[FieldFault]) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and len(value.strip()) <= REASON_LENGTH_MAX:
        return value.strip() or None
    message = f"a text of at most {REASON_LENGTH_MAX} characters"
    faults.append(FieldFault(f"/{REASON}", "wrong_type", message))
    return None


class ChangeConfiguration:
    """StaleVersion `stale_version`; Conflict `pinned_by_environment`; AccessDenied `access_denied`
    or `reauthentication_required`; Invalid `invalid_configuration` or `reason_required`.

    A patch that changes no effective value keeps the version and writes nothing. One that changes
    how regimes are read reads the market's newest row again.
    """

    def __init__(self, record: RecordMarketState) -> None:
        self._record = record

    def __call__(
        self, patch: ConfigurationPatch, expected: int, by: Principal, work: UnitOfWork
    ) -> EffectiveConfiguration:
        before = read_effective(work)
        if expected != before.version:
            raise StaleVersion(
                "stale_version",
                f"The configuration is at version {before.version}.",
                context={"version": before.version},
            )
        changes = _changed_layer(patch, before)
        if changes == before.layers.changes:
            return before
        layers = Layers(before.layers.file, changes, before.layers.environment)
        after = before.changed(layers, work.now)
        loosened = before.configuration.loosened(after.configuration)
        if loosened:
            _require_may_loosen(loosened, patch.reason, by, work)
        keep(before, after, patch.reason, work)
        if changes_regimes(before, after):
            self._record.relabel_newest(work)
        return after


def _changed_layer(
    patch: ConfigurationPatch, before: EffectiveConfiguration
) -> Mapping[str, object]:
    """A value that already holds is no change, so a document sent back as read changes nothing."""
    set_anew = {p: v for p, v in patch.values.items() if v != before.values[p]}
    dropped = patch.dropped & before.layers.changes.keys()
    pinned = sorted((set_anew.keys() | dropped) & before.layers.environment.keys())
    if pinned:
        raise Conflict(
            "pinned_by_environment",
            f"The environment of the service sets {', '.join(map(variable_of, pinned))}.",
            context={"keys": pinned, "variables": [variable_of(path) for path in pinned]},
        )
    kept = {p: v for p, v in before.layers.changes.items() if p not in dropped}
    return {**kept, **set_anew}


def _require_may_loosen(
    keys: tuple[str, ...], reason: str | None, by: Principal, work: UnitOfWork
) -> None:
    if Scope.RISK not in ROLE_SCOPES[by.role]:
        raise AccessDenied(
            "access_denied",
            f"Letting more risk through needs the role risk_manager: {', '.join(keys)}.",
            context={"needed": Scope.RISK.value, "keys": list(keys)},
        )
    require_fresh_login(by, work, token_scope=Scope.RISK)
    if reason is None:
        fault = FieldFault(f"/{REASON}", "missing", "required when more risk is let through")
        raise Invalid(
            "reason_required",
            f"Say why in `reason`: this lets more risk through: {', '.join(keys)}.",
            context={"keys": list(keys)},
            errors=(fault,),
        )


def keep(
    before: EffectiveConfiguration,
    after: EffectiveConfiguration,
    reason: str | None,
    work: UnitOfWork,
) -> None:
    """Append the version and tell what changed."""
    diff = before.diff(after)
    work.configuration.add(
        ConfigurationVersion(
            after.version, after.layers, after.hash, diff, work.context.actor, reason, work.now
        )
    )
    paths = [str(item["path"]) for item in diff]
    data = explained(
        f"Configuration changed: {', '.join(paths) or 'sources only'}.",
        inputs={str(item["path"]): item["from"] for item in diff},
        outputs={
            **{str(item["path"]): item["to"] for item in diff},
            "version": after.version,
            "loosened": list(before.configuration.loosened(after.configuration)),
            "reason": reason,
            "hash": after.hash,
        },
    )
    aggregate_id = f"configuration_{work.context.owner_id}"
    work.events.append(
        [NewEvent("config_changed", "configuration", aggregate_id, None, data, work.now)]
    )

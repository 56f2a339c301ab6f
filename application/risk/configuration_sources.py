"""What a start of the service brings: the configuration file and the environment's pins."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NoReturn

from application.market.record_market_state import RecordMarketState
from application.market.regime_settings import changes_regimes
from application.ports.unit_of_work import UnitOfWork
from application.risk.change_configuration import keep
from application.risk.configuration_document import Unreadable, checked, layer_of, unknown
from application.risk.configuration_variables import VARIABLE_PREFIX, variable_of
from application.risk.configuration_version import Layers
from application.risk.effective_configuration import (
    EffectiveConfiguration,
    Source,
    invalid_configuration,
    merged,
    read_effective,
)
from domain.risk.desktop_keys import KEYS, ConfigurationKey, Unit
from domain.shared.errors import FieldFault, Invalid, Unavailable

_WORDS = {"true": True, "on": True, "yes": True, "1": True}
_WORDS |= {"false": False, "off": False, "no": False, "0": False}
_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_NUMBER = re.compile(r"-?(?:NaN|Infinity)")


@dataclass(frozen=True, slots=True)
class StartSources:
    """Layers of the file and of the environment, each valid by itself."""

    file: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, object] = field(default_factory=dict)

    def require_valid(self) -> None:
        """Invalid `invalid_configuration` when they do not fit together."""
        merged(Layers(self.file, {}, self.environment), 1)


def file_layer(text: str, name: str) -> dict[str, object]:
    """The file's values. Invalid `malformed_configuration` with line and column for bad JSON,
    `invalid_configuration` with a pointer for every fault; both say it in one line.
    """
    faults: list[FieldFault] = []
    values = layer_of(_parsed(text.removeprefix("\ufeff"), name), faults)
    if faults:
        raise invalid_configuration(tuple(faults), name)
    return values


def _parsed(text: str, name: str) -> object:
    blanked = _TEXT.sub(lambda found: " " * len(found.group()), text)
    for found in _NO_NUMBER.finditer(blanked):
        _malformed(name, text, found.start(), f"{found.group()} is not a JSON number")
    try:
        return json.loads(text, parse_float=Decimal, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        _malformed(name, text, error.pos, error.msg)
    except RecursionError:
        _malformed(name, text, 0, "nested too deep")
    except ValueError as error:
        raise Invalid("malformed_configuration", f"{name} is not usable: {error}.") from None


def _malformed(name: str, text: str, position: int, what: str) -> NoReturn:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    raise Invalid(
        "malformed_configuration",
        f"{name} is not valid JSON: line {line} column {column}: {what}.",
        context={"line": line, "column": column},
    )


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice} is there twice")
    return members


def environment_layer(environ: Mapping[str, str]) -> dict[str, object]:
    """Values of `BALLAST_CONFIG__SECTION__KEY` variables. Invalid `invalid_configuration`."""
    known = {variable_of(key.path): key for key in KEYS}
    shown = {variable.lower(): variable for variable in known}
    faults: list[FieldFault] = []
    values: dict[str, object] = {}
    for variable, text in environ.items():
        if not variable.upper().startswith(VARIABLE_PREFIX):
            continue
        key = known.get(variable.upper())
        if key is None:
            faults.append(unknown(variable, variable, shown))
            continue
        try:
            values[key.path] = checked(key, _meant(key, text.strip()))
        except Unreadable as reason:
            faults.append(FieldFault(variable, reason.code, str(reason)))
    if faults:
        raise invalid_configuration(tuple(faults), "The environment")
    return values


def _meant(key: ConfigurationKey, text: str) -> object:
    if key.may_be_null and text.lower() in ("", "null"):
        return None
    return _WORDS.get(text.lower(), text) if key.unit is Unit.SWITCH else text


class AdoptSources:
    """Take over what the start brings; the same as before is no new version."""

    def __init__(self, record: RecordMarketState) -> None:
        self._record = record

    def source(self, sources: StartSources, work: UnitOfWork) -> Source | None:
        """Whose change it is: the file's, else the environment's; None when nothing changed."""
        now = read_effective(work).layers
        if dict(now.file) != dict(sources.file):
            return Source.FILE
        return Source.ENVIRONMENT if dict(now.environment) != dict(sources.environment) else None

    def __call__(self, sources: StartSources, work: UnitOfWork) -> EffectiveConfiguration:
        """The configuration that holds from now on. Invalid `invalid_configuration` when it does
        not fit the changes made through the API.
        """
        before = read_effective(work)
        if self.source(sources, work) is None:
            return before
        layers = Layers(sources.file, before.layers.changes, sources.environment)
        after = before.changed(layers, work.now)
        keep(before, after, None, work)
        if changes_regimes(before, after):
            self._relabel(work)
        return after

    def _relabel(self, work: UnitOfWork) -> None:
        try:
            with work.savepoint():
                self._record.relabel_newest(work)
        except Unavailable:
            # Only a start can write a table of sessions that is missing or too old: it must go on.
            # Numbers that come then are read with these settings.
            return

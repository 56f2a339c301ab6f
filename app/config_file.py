"""Settings as their user sees them: no misspelt key goes unnoticed, each value has a source."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from app.redaction import MASK, Redactor, is_sensitive
from application.risk.configuration_variables import VARIABLE_PREFIX
from domain.shared.errors import FieldFault, Invalid

NOT_SETTINGS = (
    "BALLAST_TEST_", "BALLAST_PUBLISHED_PORT", "BALLAST_TAG", "BALLAST_LOCK", VARIABLE_PREFIX,
)  # fmt: skip
"""Read by the test suite and the compose file; the last one pins keys of the configuration."""


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting: its value as text with secrets masked, and where the value comes from."""

    name: str
    value: str
    source: str


def require_known_keys(
    settings_class: type[BaseSettings],
    environ: Mapping[str, str] | None = None,
    toml_path: Path | None = None,
) -> None:
    """Invalid `unknown_setting` that names, for every key that is no setting, the nearest one.

    Without arguments it looks at the process environment and at the class's own file.
    """
    environ = os.environ if environ is None else environ
    prefix = _prefix(settings_class)
    known = {f"{prefix}{name}".upper() for name in settings_class.model_fields}
    faults = [
        _fault(key, known)
        for key in environ
        if key.upper().startswith(prefix.upper())
        and key.upper() not in known
        and not key.upper().startswith(NOT_SETTINGS)
    ]
    fields = set(settings_class.model_fields)
    file = _toml_path(settings_class, toml_path)
    faults += [_fault(key, fields) for key in read_toml(file) if key not in fields]
    if faults:
        raise Invalid(
            "unknown_setting", " ".join(fault.message for fault in faults), errors=tuple(faults)
        )


def effective_settings(
    settings: BaseSettings,
    environ: Mapping[str, str] | None = None,
    toml_path: Path | None = None,
) -> list[EffectiveSetting]:
    """Every setting in the order of its declaration; sources are environment, file and default."""
    environ = os.environ if environ is None else environ
    prefix = _prefix(type(settings))
    given = {key.upper() for key in environ}
    file = _toml_path(type(settings), toml_path)
    in_file = read_toml(file)
    rows = []
    for name in type(settings).model_fields:
        variable = f"{prefix}{name}".upper()
        source = "default"
        if variable in given:
            source = f"environment {variable}"
        elif name in in_file:
            source = f"file {file}"
        rows.append(EffectiveSetting(name, _shown(name, getattr(settings, name)), source))
    return rows


def read_toml(file: Path) -> dict[str, object]:
    """The file's keys; empty without a file, Invalid `malformed_settings` if it is not TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid("malformed_settings", f"{file} is not valid TOML: {error}.") from error


def _prefix(settings_class: type[BaseSettings]) -> str:
    return str(settings_class.model_config.get("env_prefix", ""))


def _toml_path(settings_class: type[BaseSettings], given: Path | None) -> Path:
    named = settings_class.model_config.get("toml_file")
    return given or Path(str(named) if isinstance(named, (str, Path)) else "ballast.toml")


def _fault(key: str, known: set[str]) -> FieldFault:
    by_lower = {name.lower(): name for name in known}
    nearest = difflib.get_close_matches(key.lower(), by_lower, n=1, cutoff=0.0)
    hint = f"; did you mean {by_lower[nearest[0]]}?" if nearest else "."
    return FieldFault(key, "unknown_setting", f"{key} is not a setting{hint}")


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr) or is_sensitive(name):
        return MASK
    if isinstance(value, (tuple, list)):
        value = ",".join(str(item) for item in value)
    return Redactor().text(str(value))

"""Requests and answers of the desktop configuration, in its published units."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel

from app.api.wire import AnswerModel, Moment, Number
from application.risk.change_configuration import REASON, REASON_LENGTH_MAX
from application.risk.configuration_document import (
    DEFAULTS,
    allowed,
    nested,
    published_bounds,
    unit_of,
)
from domain.market.market_regime import MarketRegime
from domain.risk.desktop_keys import KEYS, SECTIONS, ConfigurationKey, ExitProfile, Unit

SourceName = Literal["default", "file", "api", "environment"]


class PositionSizingOut(AnswerModel):
    """Percent of equity."""

    max_position_size: Number
    risk_per_trade: Number
    max_correlation_exposure: Number


class RegimeOverridesOut(AnswerModel):
    """A pinned regime and two switches."""

    force_regime: MarketRegime | None
    disable_transitions: bool
    emergency_protocols: bool


class PerformanceTargetsOut(AnswerModel):
    """Percent, but `min_sharpe_ratio`, a ratio, and `min_win_rate`, a fraction."""

    target_roi: Number
    max_drawdown_tolerance: Number
    min_sharpe_ratio: Number
    min_win_rate: Number


class RiskLimitsOut(AnswerModel):
    """Percent of entry; the concentration limit in percent of equity."""

    max_stop_distance: Number
    min_stop_distance: Number
    max_profit_target: Number
    position_concentration_limit: Number


class ExitsOut(AnswerModel):
    """`time_exit_sessions` null takes the hold of the regime."""

    profile: ExitProfile
    trailing: bool
    time_exit_sessions: int | None


class ExecutionOut(AnswerModel):
    """Commission as a fraction of the notional, slippage in basis points."""

    commission_rate: Number
    slippage_bps: Number


class ConfigurationDocument(AnswerModel):
    """The published document, every key filled in."""

    position_sizing: PositionSizingOut
    regime_overrides: RegimeOverridesOut
    performance_targets: PerformanceTargetsOut
    risk_limits: RiskLimitsOut
    exits: ExitsOut
    execution: ExecutionOut


class ConfigurationWarningOut(AnswerModel):
    """A value that is allowed and does nothing."""

    pointer: str
    code: str
    message: str


UNITS: dict[str, dict[str, object]] = nested({key.path: unit_of(key) for key in KEYS})


def _plain(value: object) -> object:
    """A number as the document of the API can show it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


_DOCUMENT = nested({path: _plain(value) for path, value in DEFAULTS.items()})
_EXAMPLE: dict[str, Any] = {
    "version": 1,
    "config": _DOCUMENT,
    "units": UNITS,
    "sources": nested({key.path: "default" for key in KEYS}),
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "warnings": [
        {
            "pointer": "/position_sizing/max_position_size",
            "code": "never_binds",
            "message": "This cap can never bind: risk_limits.position_concentration_limit is "
            "reached first.",
        }
    ],
    "changed_at": None,
}


class ConfigurationOut(AnswerModel):
    """What holds now; `hash` is the document's, whatever its sources."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    version: int
    config: ConfigurationDocument
    units: dict[str, dict[str, str]] = Field(description="Of each key, by section.")
    sources: dict[str, dict[str, SourceName]] = Field(
        description="Which layer each value comes from; the environment's are pinned."
    )
    hash: str
    warnings: list[ConfigurationWarningOut]
    changed_at: Moment | None = Field(description="null until something was changed.")


class ConfigurationChangeOut(AnswerModel):
    """One value before and after, and what that means for risk."""

    model_config = ConfigDict(populate_by_name=True)

    path: str
    before: bool | Number | str | None = Field(alias="from")
    after: bool | Number | str | None = Field(alias="to")
    direction: Literal["tighter", "looser", "neutral"]


_VERSION_EXAMPLE: dict[str, Any] = {
    "version": 2,
    "actor": "usr_0190b6f0c4d57c1e8a54c0ffee000001",
    "reason": None,
    "at": "2026-01-05T15:00:00Z",
    "hash": _EXAMPLE["hash"],
    "diff": [
        {"path": "risk_limits.max_stop_distance", "from": 25, "to": 20, "direction": "tighter"}
    ],
}


class ConfigurationVersionOut(AnswerModel):
    """Who changed what, when and why; `actor` is a user, `file` or `environment`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_VERSION_EXAMPLE]})

    version: int
    actor: str
    reason: str | None
    at: Moment
    hash: str
    diff: list[ConfigurationChangeOut] = Field(description="Values that came to hold.")


def _value_schema(key: ConfigurationKey) -> dict[str, Any]:
    kinds: list[dict[str, Any]]
    if key.unit is Unit.SWITCH:
        kinds = [{"type": "boolean"}]
    elif key.unit is Unit.NAME:
        kinds = [{"type": "string", "enum": list(key.names)}]
    else:
        kinds = [_number_schema(key), _DECIMAL_TEXT]
    return {"anyOf": [*kinds, {"type": "null"}], "description": f"{allowed(key).capitalize()}."}


def _number_schema(key: ConfigurationKey) -> dict[str, Any]:
    low, high, from_included = published_bounds(key)
    below = "minimum" if from_included else "exclusiveMinimum"
    kind = "integer" if key.unit is Unit.SESSIONS else "number"
    return {"type": kind, below: _plain(low), "maximum": _plain(high)}


_DECIMAL_TEXT = {
    "type": "string",
    "maxLength": 64,
    "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$",
}


def _patch_schema() -> dict[str, Any]:
    sections: dict[str, Any] = {
        section: {
            "type": ["object", "null"],
            "properties": {key.name: _value_schema(key) for key in KEYS if key.section == section},
            "additionalProperties": False,
        }
        for section in SECTIONS
    }
    reason = {"type": ["string", "null"], "maxLength": REASON_LENGTH_MAX}
    sections[REASON] = {**reason, "description": "Why; required when more risk is let through."}
    return {
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
        "examples": [{"risk_limits": {"max_stop_distance": 20}}],
    }


def _as_published(schema: dict[str, Any]) -> None:
    title, description = schema.get("title"), schema.get("description")
    schema.clear()
    schema.update(_patch_schema(), title=title, description=description)


class ConfigurationPatchIn(RootModel[Annotated[dict[str, Any], Field()]]):
    """Merge patch of `config`: what is left out stays.

    null gives a key or a section back to file or default; of `force_regime` and
    `time_exit_sessions` null is a value.
    """

    model_config = ConfigDict(json_schema_extra=_as_published)

    @property
    def members(self) -> Mapping[str, object]:
        """The body as it was sent."""
        return self.root

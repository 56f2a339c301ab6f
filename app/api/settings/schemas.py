"""Requests and answers of the settings document."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from app.api.wire import AnswerModel, Moment, RequestModel
from application.settings.service_settings import ServiceSettings
from application.settings.trading_status import EffectiveMode

_D = ServiceSettings()
Word = Annotated[str, StringConstraints(min_length=1, max_length=32)]
FORMAT: Literal["ballast-settings"] = "ballast-settings"
_VALUES: dict[str, Any] = _D.values()
_DOCUMENT = _VALUES | {"version": 1, "updated_at": None}


class SettingsValues(RequestModel):
    """Every key; one that is left out has its default."""

    model_config = ConfigDict(json_schema_extra={"examples": [_VALUES]})

    trading_enabled: StrictBool = _D.trading_enabled
    order_confirmation_required: StrictBool = _D.order_confirmation_required
    default_exchange: Word = _D.default_exchange
    default_timeframe: Word = _D.default_timeframe
    default_leverage: StrictInt = _D.default_leverage
    telegram_enabled: StrictBool = _D.telegram_enabled
    debug_mode: StrictBool = _D.debug_mode


class SettingsIn(SettingsValues):
    """A whole document; `version` and `updated_at` of a document that was read are accepted.

    If-Match decides which version is replaced.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_DOCUMENT]})

    version: StrictInt | None = None
    updated_at: Moment | None = None


class SettingsPatch(RequestModel):
    """Merge patch: keys left out stay, null puts a key back to its default."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"default_timeframe": "15m"}]})

    trading_enabled: StrictBool | None = None
    order_confirmation_required: StrictBool | None = None
    default_exchange: Word | None = None
    default_timeframe: Word | None = None
    default_leverage: StrictInt | None = None
    telegram_enabled: StrictBool | None = None
    debug_mode: StrictBool | None = None


class SettingsOut(AnswerModel):
    """The persisted document; `updated_at` is null until something was changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DOCUMENT]})

    trading_enabled: bool = Field(
        description="A condition of live trading; orders of the manual venue go nowhere and do not "
        "ask it."
    )
    order_confirmation_required: bool = Field(
        description="Kept for order intents of strategies; nothing makes them yet."
    )
    default_exchange: str = Field(
        description="Kept for connected exchanges; none can be connected yet."
    )
    default_timeframe: str = Field(description="Kept for strategies; there are none yet.")
    default_leverage: int = Field(description="Kept for margin venues; there are none yet.")
    telegram_enabled: bool = Field(description="Kept for notifications; none are sent yet.")
    debug_mode: bool = Field(description="Kept; logs follow BALLAST_LOG_LEVEL.")
    version: int
    updated_at: Moment | None


class SettingsExport(AnswerModel):
    """A document that `import` takes; it holds no secrets."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "format": FORMAT,
                    "format_version": 1,
                    "exported_at": "2026-01-05T15:00:00Z",
                    "settings": _VALUES,
                }
            ]
        }
    )

    format: Literal["ballast-settings"] = FORMAT
    format_version: Literal[1] = 1
    exported_at: Moment
    settings: dict[str, bool | int | str]


class SettingsImport(RequestModel):
    """An exported document."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"format": FORMAT, "format_version": 1, "settings": _VALUES}]
        }
    )

    format: Literal["ballast-settings"]
    format_version: Literal[1]
    exported_at: Moment | None = None
    settings: SettingsValues


class ToggleIn(RequestModel):
    """Sets the switch; it does not flip it, so a retry is harmless."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    enabled: StrictBool


class ConditionOut(AnswerModel):
    """One condition of the live gate."""

    code: str
    ok: bool
    detail: str


class TradingStatusOut(AnswerModel):
    """The switches, the mode they result in and what live trading still misses."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "trading_enabled": False,
                    "order_confirmation_required": True,
                    "effective_mode": "simulation",
                    "conditions": [
                        {"code": "trading_enabled", "ok": False, "detail": "The switch is off."}
                    ],
                    "settings": _DOCUMENT,
                }
            ]
        }
    )

    trading_enabled: bool
    order_confirmation_required: bool
    effective_mode: EffectiveMode = Field(description="live only while every condition holds.")
    conditions: list[ConditionOut]
    settings: SettingsOut

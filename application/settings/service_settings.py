"""The typed settings document: every key, its default and its range."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime

from domain.market.timeframe import TIMEFRAMES
from domain.shared.errors import FieldFault, Invalid

LEVERAGE_MAX = 125
EXCHANGES = frozenset({"paper", "binance", "hyperliquid"})


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What people switch at run time. Guards read it inside the transaction of their decision."""

    trading_enabled: bool = False
    order_confirmation_required: bool = True
    default_exchange: str = "paper"
    default_timeframe: str = "1h"
    default_leverage: int = 1
    telegram_enabled: bool = False
    debug_mode: bool = False
    version: int = 1
    updated_at: datetime | None = None

    def values(self) -> dict[str, object]:
        """The keys people set, without the bookkeeping."""
        return {key: getattr(self, key) for key in KEYS}

    def changed(self, changes: Mapping[str, object], at: datetime) -> "ServiceSettings":
        """The next version with the changes; None puts a key back to its default.

        Invalid `invalid_settings` names every key that is unknown or out of range.
        """
        accepted = {k: (_DEFAULTS[k] if v is None else v) for k, v in changes.items() if k in KEYS}
        faults = [
            FieldFault(f"/{key}", "unknown_field", "not a setting")
            for key in changes
            if key not in KEYS
        ]
        faults += [fault for key, value in accepted.items() if (fault := _fault(key, value))]
        if faults:
            raise Invalid("invalid_settings", "The settings are not valid.", errors=tuple(faults))
        following = replace(self, version=self.version + 1, updated_at=at)
        return replace(following, **accepted)  # type: ignore[arg-type]


KEYS = tuple(f.name for f in fields(ServiceSettings) if f.name not in ("version", "updated_at"))
_DEFAULTS: dict[str, object] = ServiceSettings().values()


def defaults() -> dict[str, object]:
    """Every key with its default."""
    return dict(_DEFAULTS)


def _fault(key: str, value: object) -> FieldFault | None:
    default = _DEFAULTS[key]
    if type(value) is not type(default):
        return FieldFault(f"/{key}", "wrong_type", f"a {_TYPE_NAMES[type(default)]}")
    if key == "default_exchange" and value not in EXCHANGES:
        return FieldFault(f"/{key}", "unknown_exchange", f"one of: {', '.join(sorted(EXCHANGES))}")
    if key == "default_timeframe" and value not in TIMEFRAMES:
        return FieldFault(f"/{key}", "unknown_timeframe", f"one of: {', '.join(TIMEFRAMES)}")
    if key == "default_leverage" and not 1 <= int(str(value)) <= LEVERAGE_MAX:
        return FieldFault(f"/{key}", "out_of_range", f"1 to {LEVERAGE_MAX}")
    return None


_TYPE_NAMES: dict[type, str] = {bool: "boolean", int: "whole number", str: "text"}


def loosened(before: ServiceSettings, after: ServiceSettings) -> tuple[str, ...]:
    """Keys whose change lets more risk through; such a change needs a risk manager."""
    keys = []
    if after.trading_enabled and not before.trading_enabled:
        keys.append("trading_enabled")
    if before.order_confirmation_required and not after.order_confirmation_required:
        keys.append("order_confirmation_required")
    if after.default_leverage > before.default_leverage:
        keys.append("default_leverage")
    return tuple(keys)

"""The keys of the desktop configuration: unit, range, and which way a change loosens.

Bounds are in domain units, so 2 % of equity is 0.02. `limit_key` is the risk limit a key stands
for; a key without one belongs to targets, regimes, exits or costs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.market.market_regime import MarketRegime
from domain.shared.decimals import ONE, ZERO, decimals_of

DECIMALS_MAX = 8


class ExitProfile(StrEnum):
    """`legacy` keeps the older bands and factors, whose stops are wider and not clamped."""

    STANDARD = "standard"
    LEGACY = "legacy"


class Unit(StrEnum):
    """What a number of the configuration measures, or the kind of a key that is no number."""

    FRACTION_OF_EQUITY = "fraction_of_equity"
    FRACTION_OF_ENTRY = "fraction_of_entry"
    FRACTION_OF_PEAK = "fraction_of_peak"
    FRACTION_OF_TRADES = "fraction_of_trades"
    FRACTION_OF_NOTIONAL = "fraction_of_notional"
    PERCENT_PER_YEAR = "percent_per_year"
    RATIO = "ratio"
    BASIS_POINTS = "basis_points"
    SESSIONS = "sessions"
    SWITCH = "switch"
    NAME = "name"


class Loosens(StrEnum):
    """Which change of a key lets more risk through."""

    LARGER = "larger"
    SMALLER = "smaller"
    SWITCHED_ON = "switched_on"
    SWITCHED_OFF = "switched_off"
    TO_LEGACY = "to_legacy"
    LARGER_OR_NULL = "larger_or_null"
    ANY_CHANGE = "any_change"
    NEVER = "never"


class Direction(StrEnum):
    """What one change means for risk."""

    TIGHTER = "tighter"
    LOOSER = "looser"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Range:
    """Allowed numbers; the upper bound is included, the lower one as `from_included` says."""

    low: Decimal
    high: Decimal
    from_included: bool = False

    def holds(self, value: Decimal) -> bool:
        """Whether the number is finite and inside."""
        if not value.is_finite():
            return False
        above = value >= self.low if self.from_included else value > self.low
        return above and value <= self.high


@dataclass(frozen=True, slots=True)
class ConfigurationKey:
    """One key: `section.name` as published, `field` as the section's value calls it."""

    section: str
    name: str
    unit: Unit
    loosens: Loosens
    range: Range | None = None
    names: tuple[str, ...] = ()
    limit_key: str | None = None
    may_be_null: bool = False
    field: str = ""

    @property
    def path(self) -> str:
        """`risk_limits.max_stop_distance`."""
        return f"{self.section}.{self.name}"

    @property
    def pointer(self) -> str:
        """RFC 6901 pointer into the document."""
        return f"/{self.section}/{self.name}"

    @property
    def attribute(self) -> str:
        """Name of the field in the section's value."""
        return self.field or self.name

    def direction(self, before: object, after: object) -> Direction:
        """What the change from one valid value to another means for risk."""
        if self.is_looser(before, after):
            return Direction.LOOSER
        return Direction.TIGHTER if self.is_looser(after, before) else Direction.NEUTRAL

    def is_looser(self, before: object, after: object) -> bool:
        """Whether the change from one valid value to another lets more risk through."""
        if before == after or self.loosens is Loosens.NEVER:
            return False
        return _LOOSER[self.loosens](before, after)

    def fault(self, value: object) -> str | None:
        """Code of what is wrong with a value in domain units, None when it is allowed."""
        if value is None:
            return None if self.may_be_null else "wrong_type"
        if self.unit is Unit.SWITCH:
            return None if isinstance(value, bool) else "wrong_type"
        if self.unit is Unit.NAME:
            return None if value in self.names else "unknown_name"
        if self.unit is Unit.SESSIONS:
            if isinstance(value, bool) or not isinstance(value, int):
                return "wrong_type"
            value = Decimal(value)
        if not isinstance(value, Decimal):
            return "wrong_type"
        if self.range is not None and not self.range.holds(value):
            return "out_of_range"
        return "too_many_decimals" if decimals_of(value) > DECIMALS_MAX else None


def _numbers(before: object, after: object) -> tuple[Decimal, Decimal]:
    return Decimal(str(before)), Decimal(str(after))


def _is_larger(before: object, after: object) -> bool:
    old, new = _numbers(before, after)
    return new > old


def _is_smaller(before: object, after: object) -> bool:
    old, new = _numbers(before, after)
    return new < old


def _is_larger_or_null(before: object, after: object) -> bool:
    """Null takes the number from the regime, which may be larger or smaller."""
    return before is None or after is None or _is_larger(before, after)


_LOOSER: dict[Loosens, Callable[[object, object], bool]] = {
    Loosens.LARGER: _is_larger,
    Loosens.SMALLER: _is_smaller,
    Loosens.LARGER_OR_NULL: _is_larger_or_null,
    Loosens.SWITCHED_ON: lambda before, after: after is True,
    Loosens.SWITCHED_OFF: lambda before, after: after is False,
    Loosens.TO_LEGACY: lambda before, after: after == ExitProfile.LEGACY,
    Loosens.ANY_CHANGE: lambda before, after: True,
}

_HALF = Decimal("0.50")
_SHARE = Range(ZERO, ONE)
_EQUITY, _ENTRY = Unit.FRACTION_OF_EQUITY, Unit.FRACTION_OF_ENTRY


def _position_sizing() -> Iterator[ConfigurationKey]:
    key, larger = "position_sizing", Loosens.LARGER
    yield ConfigurationKey(
        key, "max_position_size", _EQUITY, larger, _SHARE, limit_key="max_order_equity_fraction"
    )
    yield ConfigurationKey(
        key, "risk_per_trade", _EQUITY, larger, Range(ZERO, Decimal("0.02")),
        limit_key="risk_per_trade",
    )  # fmt: skip
    yield ConfigurationKey(
        key, "max_correlation_exposure", _EQUITY, larger, _SHARE, limit_key="max_correlated_risk"
    )


def _regime_overrides() -> Iterator[ConfigurationKey]:
    key = "regime_overrides"
    # A pinned label replaces what the market says: either way sizes and stops can grow.
    yield ConfigurationKey(
        key, "force_regime", Unit.NAME, Loosens.ANY_CHANGE,
        names=tuple(MarketRegime), may_be_null=True,
    )  # fmt: skip
    yield ConfigurationKey(key, "disable_transitions", Unit.SWITCH, Loosens.SWITCHED_ON)
    yield ConfigurationKey(key, "emergency_protocols", Unit.SWITCH, Loosens.SWITCHED_OFF)


def _performance_targets() -> Iterator[ConfigurationKey]:
    key, never = "performance_targets", Loosens.NEVER
    yield ConfigurationKey(
        key, "target_roi", Unit.PERCENT_PER_YEAR, never,
        Range(ZERO, Decimal(100_000), from_included=True), field="target_roi_pct",
    )  # fmt: skip
    yield ConfigurationKey(
        key, "max_drawdown_tolerance", Unit.FRACTION_OF_PEAK, Loosens.LARGER, _SHARE,
        limit_key="max_drawdown",
    )  # fmt: skip
    ratio = Range(ZERO, Decimal(100), from_included=True)
    yield ConfigurationKey(key, "min_sharpe_ratio", Unit.RATIO, never, ratio)
    trades = Range(ZERO, ONE, from_included=True)
    yield ConfigurationKey(key, "min_win_rate", Unit.FRACTION_OF_TRADES, never, trades)


def _risk_limits() -> Iterator[ConfigurationKey]:
    key, larger, stop = "risk_limits", Loosens.LARGER, Range(ZERO, _HALF)
    yield ConfigurationKey(
        key, "max_stop_distance", _ENTRY, larger, stop, limit_key="max_stop_distance"
    )
    yield ConfigurationKey(
        key, "min_stop_distance", _ENTRY, Loosens.SMALLER, stop, limit_key="min_stop_distance"
    )
    yield ConfigurationKey(
        key, "max_profit_target", _ENTRY, larger, Range(ZERO, Decimal(10)),
        limit_key="max_profit_target",
    )  # fmt: skip
    yield ConfigurationKey(
        key, "position_concentration_limit", _EQUITY, larger, _SHARE, limit_key="max_position_share"
    )


def _exits() -> Iterator[ConfigurationKey]:
    key = "exits"
    yield ConfigurationKey(key, "profile", Unit.NAME, Loosens.TO_LEGACY, names=tuple(ExitProfile))
    yield ConfigurationKey(key, "trailing", Unit.SWITCH, Loosens.SWITCHED_OFF)
    yield ConfigurationKey(
        key, "time_exit_sessions", Unit.SESSIONS, Loosens.LARGER_OR_NULL,
        Range(ONE, Decimal(1000), from_included=True), may_be_null=True,
    )  # fmt: skip


def _execution() -> Iterator[ConfigurationKey]:
    key, never = "execution", Loosens.NEVER
    rate = Range(ZERO, _HALF, from_included=True)
    yield ConfigurationKey(key, "commission_rate", Unit.FRACTION_OF_NOTIONAL, never, rate)
    slippage = Range(ZERO, Decimal(1000), from_included=True)
    yield ConfigurationKey(key, "slippage_bps", Unit.BASIS_POINTS, never, slippage)


KEYS: tuple[ConfigurationKey, ...] = (
    *_position_sizing(), *_regime_overrides(), *_performance_targets(),
    *_risk_limits(), *_exits(), *_execution(),
)  # fmt: skip
SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(key.section for key in KEYS))
KEY_BY_PATH = {key.path: key for key in KEYS}

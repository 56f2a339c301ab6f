"""What the desktop's rules are configured with, in domain units; one that exists is valid.

Every share, distance and rate is a fraction: 0.02 is 2 %. Only `target_roi_pct` is in percent per
year, as it is published. New decisions read it; levels of open positions stay as they are.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from domain.market.market_regime import MarketRegime
from domain.risk.desktop_keys import KEYS, ConfigurationKey, ExitProfile
from domain.shared.decimals import ONE, ZERO
from domain.shared.errors import FieldFault, Invalid


@dataclass(frozen=True, slots=True)
class PositionSizing:
    """Fractions of equity: notional of one order; loss if the first stop fills; loss at the stops
    of one correlated cluster.
    """

    max_position_size: Decimal = ONE
    risk_per_trade: Decimal = Decimal("0.02")
    max_correlation_exposure: Decimal = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class RegimeOverrides:
    """Whether a person pins the regime, freezes it for open positions, or skips emergencies."""

    force_regime: MarketRegime | None = None
    disable_transitions: bool = False
    emergency_protocols: bool = True


@dataclass(frozen=True, slots=True)
class PerformanceTargets:
    """Reported beside what was reached; only `max_drawdown_tolerance` is watched."""

    target_roi_pct: Decimal = Decimal(400)
    max_drawdown_tolerance: Decimal = Decimal("0.15")
    min_sharpe_ratio: Decimal = Decimal(2)
    min_win_rate: Decimal = Decimal("0.6")


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """Clamp of the stop and cap of the targets, fractions of entry; notional of one symbol, a
    fraction of equity.
    """

    max_stop_distance: Decimal = Decimal("0.25")
    min_stop_distance: Decimal = Decimal("0.02")
    max_profit_target: Decimal = ONE
    position_concentration_limit: Decimal = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Exits:
    """How positions are left; `time_exit_sessions` None takes the hold of the regime."""

    profile: ExitProfile = ExitProfile.STANDARD
    trailing: bool = True
    time_exit_sessions: int | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """Costs of one side: commission as a fraction of the notional, slippage in basis points."""

    commission_rate: Decimal = ZERO
    slippage_bps: Decimal = ZERO

    @property
    def is_configured(self) -> bool:
        """False when exits are priced without costs, which every report then says."""
        return self.commission_rate > ZERO or self.slippage_bps > ZERO


@dataclass(frozen=True, slots=True)
class ConfigurationWarning:
    """A value that is allowed and does nothing."""

    pointer: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class DesktopConfiguration:
    """Invalid `invalid_configuration` with a pointer for every value out of its range, and when
    the narrowest stop is not narrower than the widest.
    """

    position_sizing: PositionSizing = field(default_factory=PositionSizing)
    regime_overrides: RegimeOverrides = field(default_factory=RegimeOverrides)
    performance_targets: PerformanceTargets = field(default_factory=PerformanceTargets)
    risk_limits: RiskLimits = field(default_factory=RiskLimits)
    exits: Exits = field(default_factory=Exits)
    execution: Execution = field(default_factory=Execution)

    def __post_init__(self) -> None:
        faults = [
            FieldFault(key.pointer, code, "not allowed here")
            for key in KEYS
            if (code := key.fault(self.value_of(key)))
        ]
        faults = faults or cross_faults(self.risk_limits)
        if faults:
            raise Invalid(
                "invalid_configuration", "The configuration is not valid.", errors=tuple(faults)
            )

    def value_of(self, key: ConfigurationKey) -> object:
        """The key's value in domain units."""
        value: object = getattr(getattr(self, key.section), key.attribute)
        return value

    def loosened(self, after: "DesktopConfiguration") -> tuple[str, ...]:
        """Paths of the keys whose change lets more risk through."""
        return tuple(
            key.path for key in KEYS if key.is_looser(self.value_of(key), after.value_of(key))
        )

    def warnings(self) -> tuple[ConfigurationWarning, ...]:
        """Caps that can never bind, because another one is always reached first."""
        sizing, limits = self.position_sizing, self.risk_limits
        found = []
        if sizing.max_position_size > limits.position_concentration_limit:
            found.append(
                _never_binds(
                    "/position_sizing/max_position_size", "risk_limits.position_concentration_limit"
                )
            )
        if sizing.risk_per_trade > sizing.max_correlation_exposure:
            found.append(
                _never_binds(
                    "/position_sizing/risk_per_trade", "position_sizing.max_correlation_exposure"
                )
            )
        return tuple(found)


def cross_faults(limits: RiskLimits) -> list[FieldFault]:
    """What is wrong between values that are each in range: min_stop < max_stop must hold."""
    if limits.min_stop_distance < limits.max_stop_distance:
        return []
    message = "min_stop_distance must be smaller than max_stop_distance"
    return [FieldFault("/risk_limits/min_stop_distance", "min_above_max", message)]


def _never_binds(pointer: str, first: str) -> ConfigurationWarning:
    return ConfigurationWarning(
        pointer, "never_binds", f"This cap can never bind: {first} is reached first."
    )

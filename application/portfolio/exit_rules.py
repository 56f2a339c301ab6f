"""The owner's configuration as the plan's rules and the size function's limits read it."""

from decimal import Decimal

from application.ports.repositories import RegisteredInstrument
from domain.market.instrument import AssetClass, InstrumentStatus
from domain.plans.regime_rules import ExitProfile, ExitRules
from domain.risk.desktop_configuration import DesktopConfiguration
from domain.risk.sizing import SizingLimits
from domain.shared.decimals import ONE, QUANTITY_STEP

BASIS_POINT = Decimal("0.0001")
EQUITY_TICK = Decimal("0.0001")


def exit_rules(configuration: DesktopConfiguration) -> ExitRules:
    """Profile, distances, switches and costs of exits; fractions."""
    limits, overrides = configuration.risk_limits, configuration.regime_overrides
    exits, execution = configuration.exits, configuration.execution
    return ExitRules(
        profile=ExitProfile(exits.profile.value),
        min_stop_distance=limits.min_stop_distance,
        max_stop_distance=limits.max_stop_distance,
        max_profit_target=limits.max_profit_target,
        trailing=exits.trailing,
        time_exit_sessions=exits.time_exit_sessions,
        disable_transitions=overrides.disable_transitions,
        emergency_protocols=overrides.emergency_protocols,
        commission_rate=execution.commission_rate,
        slippage=execution.slippage_bps * BASIS_POINT,
    )


def sizing_limits(configuration: DesktopConfiguration) -> SizingLimits:
    """What bounds the size of a trade; fractions of equity."""
    sizing = configuration.position_sizing
    return SizingLimits(
        risk_per_trade=sizing.risk_per_trade,
        max_position_size=sizing.max_position_size,
        position_concentration_limit=configuration.risk_limits.position_concentration_limit,
        max_correlation_exposure=sizing.max_correlation_exposure,
        max_drawdown=configuration.performance_targets.max_drawdown_tolerance,
    )


def trade_lot(instrument: RegisteredInstrument) -> Decimal:
    """Whole shares until somebody verified the instrument's own step."""
    if instrument.status == InstrumentStatus.UNVERIFIED.value:
        return ONE
    return instrument.lot_step or (ONE if _is_share(instrument) else QUANTITY_STEP)


def price_step(instrument: RegisteredInstrument) -> Decimal:
    """The instrument's tick, else 4 decimals for shares and 8 for crypto."""
    return instrument.tick_size or (EQUITY_TICK if _is_share(instrument) else QUANTITY_STEP)


def _is_share(instrument: RegisteredInstrument) -> bool:
    return instrument.asset_class != AssetClass.CRYPTO.value

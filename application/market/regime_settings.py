"""What regimes and breadth are read with: one place to ask.

Profile and forced regime are keys of the configuration, where sizes and stops are set as well;
bounds, hysteresis, weights and thresholds have a document of their own. Readers see both as one.
"""

from dataclasses import replace

from application.ports.unit_of_work import UnitOfWork
from application.risk.effective_configuration import EffectiveConfiguration, read_effective
from domain.market.regime_settings import RegimeSettings
from domain.market.vix_regime import RegimeProfile

PROFILE = "exits.profile"
FORCE_REGIME = "regime_overrides.force_regime"
_SHARED = (PROFILE, FORCE_REGIME)


def regime_settings(work: UnitOfWork) -> RegimeSettings:
    """The settings of now.

    `version` rises with every change of either store, because neither version ever falls;
    `updated_at` is the newer of both.
    """
    own, shared = work.regime_settings.read(), read_effective(work)
    changes = [at for at in (own.updated_at, shared.changed_at) if at is not None]
    return replace(
        own,
        profile=RegimeProfile(shared.configuration.exits.profile.value),
        force_regime=shared.configuration.regime_overrides.force_regime,
        version=own.version + shared.version - 1,
        updated_at=max(changes, default=None),
    )


def shared_values(wanted: RegimeSettings) -> dict[str, object]:
    """Profile and forced regime as the configuration publishes them, by path."""
    forced = wanted.force_regime
    return {PROFILE: wanted.profile.value, FORCE_REGIME: None if forced is None else forced.value}


def changes_regimes(before: EffectiveConfiguration, after: EffectiveConfiguration) -> bool:
    """Whether a regime is read otherwise under the later configuration."""
    return any(before.values[path] != after.values[path] for path in _SHARED)

"""Change what regimes and breadth are read with: each value in the store that holds it."""

from dataclasses import asdict, dataclass, fields

from application.context import Principal
from application.market.record_market_state import RecordMarketState
from application.market.regime_settings import changes_regimes, regime_settings, shared_values
from application.ports.unit_of_work import UnitOfWork
from application.risk.change_configuration import ChangeConfiguration, ConfigurationPatch
from application.risk.effective_configuration import read_effective
from domain.market.regime_settings import RegimeSettings
from domain.shared.errors import StaleVersion
from domain.shared.events import NewEvent, explained

_BOOKKEEPING = ("version", "updated_at")


@dataclass(frozen=True, slots=True)
class WantedRegimeSettings:
    """The whole document; `expected` None replaces any version."""

    settings: RegimeSettings
    expected: int | None = None
    reason: str | None = None


class ChangeRegimeSettings:
    """Replace the settings and read the newest row again with them.

    StaleVersion `stale_version` for another version than expected. Invalid `weights_sum`,
    `invalid_regime_config`. Profile and forced regime are changed as the configuration is, with
    its refusals. A change that changes nothing keeps the version and writes nothing.
    """

    def __init__(self, record: RecordMarketState, configuration: ChangeConfiguration) -> None:
        self._record = record
        self._configuration = configuration

    def __call__(
        self, wanted: WantedRegimeSettings, by: Principal, work: UnitOfWork
    ) -> RegimeSettings:
        """The settings afterwards."""
        version = regime_settings(work).version
        if wanted.expected not in (None, version):
            raise StaleVersion(
                "stale_version",
                f"The regime settings are at version {version}.",
                context={"version": version},
            )
        # The own part first: changing the configuration reads the newest row again, with both.
        is_own_changed = _keep_own(wanted.settings, work)
        before = read_effective(work)
        patch = ConfigurationPatch(shared_values(wanted.settings), reason=wanted.reason)
        after = self._configuration(patch, before.version, by, work)
        if is_own_changed and not changes_regimes(before, after):
            self._record.relabel_newest(work)
        return regime_settings(work)


def _keep_own(wanted: RegimeSettings, work: UnitOfWork) -> bool:
    """Save what only this store holds; whether that was anything new."""
    before = work.regime_settings.read()
    after = before.following(wanted.own, work.now)
    changed = [
        f.name
        for f in fields(RegimeSettings)
        if f.name not in _BOOKKEEPING and _plain(after, f.name) != _plain(before, f.name)
    ]
    if changed:
        work.regime_settings.save(after)
        work.events.append([_event(before, after, changed, work)])
    return bool(changed)


def _event(
    before: RegimeSettings, after: RegimeSettings, changed: list[str], work: UnitOfWork
) -> NewEvent:
    data = explained(
        f"Regime settings changed: {', '.join(changed)}.",
        inputs={name: _plain(before, name) for name in changed},
        outputs={name: _plain(after, name) for name in changed}
        | {"version": regime_settings(work).version},
    )
    return NewEvent(
        "regime_settings_changed", "regime_settings", "regime_settings", None, data, work.now
    )


def _plain(settings: RegimeSettings, name: str) -> object:
    value = getattr(settings, name)
    if name in ("bounds", "thresholds"):
        return None if value is None else asdict(value)
    return dict(value) if name == "breadth_weights" else value

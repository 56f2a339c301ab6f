"""What regimes and breadth are read with: one place to ask, one command to change."""

from dataclasses import asdict, fields

from application.market.record_market_state import RecordMarketState
from application.ports.unit_of_work import UnitOfWork
from domain.market.regime_settings import RegimeSettings
from domain.shared.errors import StaleVersion
from domain.shared.events import NewEvent, explained

_BOOKKEEPING = ("version", "updated_at")


def regime_settings(work: UnitOfWork) -> RegimeSettings:
    """The settings of now."""
    return work.regime_settings.read()


class ChangeRegimeSettings:
    """Replace the settings and read the newest row again with them.

    StaleVersion `stale_version` for another version than expected. Invalid `weights_sum`,
    `invalid_regime_config`. A change that changes nothing keeps the version and writes nothing.
    """

    def __init__(self, record: RecordMarketState) -> None:
        self._record = record

    def __call__(
        self, wanted: RegimeSettings, expected: int | None, work: UnitOfWork
    ) -> RegimeSettings:
        """The settings afterwards."""
        before = work.regime_settings.read()
        if expected is not None and expected != before.version:
            raise StaleVersion(
                "stale_version",
                f"The regime settings are at version {before.version}.",
                context={"version": before.version},
            )
        after = before.following(wanted, work.now)
        changed = [
            f.name
            for f in fields(RegimeSettings)
            if f.name not in _BOOKKEEPING and _plain(after, f.name) != _plain(before, f.name)
        ]
        if not changed:
            return before
        work.regime_settings.save(after)
        work.events.append([_event(before, after, changed, work)])
        self._record.relabel_newest(work)
        return after


def _event(
    before: RegimeSettings, after: RegimeSettings, changed: list[str], work: UnitOfWork
) -> NewEvent:
    data = explained(
        f"Regime settings changed: {', '.join(changed)}.",
        inputs={name: _plain(before, name) for name in changed},
        outputs={name: _plain(after, name) for name in changed} | {"version": after.version},
    )
    return NewEvent(
        "regime_settings_changed", "regime_settings", "regime_settings", None, data, work.now
    )


def _plain(settings: RegimeSettings, name: str) -> object:
    value = getattr(settings, name)
    if name in ("bounds", "thresholds"):
        return None if value is None else asdict(value)
    return dict(value) if name == "breadth_weights" else value

"""Replace, merge, reset, import and switch settings: one rule for who may, one event for what."""

from collections.abc import Mapping

from application.context import Principal, Scope
from application.identity.proof import require_fresh_login
from application.ports.unit_of_work import UnitOfWork
from application.settings.service_settings import ServiceSettings, defaults, loosened
from domain.shared.errors import AccessDenied, StaleVersion
from domain.shared.events import NewEvent, explained


class ChangeSettings:
    """StaleVersion `stale_version` for another version than expected (None does not ask).

    Letting more risk through needs the scope `risk` and, from a session, a password or TOTP code
    shown within five minutes; the opposite is open to traders, at once.
    A change that changes nothing keeps the version and writes no event.
    """

    def merge(
        self, changes: Mapping[str, object], expected: int | None, by: Principal, work: UnitOfWork
    ) -> ServiceSettings:
        """Change the named keys; None puts a key back to its default."""
        before = work.settings.read()
        if expected is not None and expected != before.version:
            raise StaleVersion(
                "stale_version",
                f"The settings are at version {before.version}.",
                context={"version": before.version},
            )
        after = before.changed(changes, work.now)
        if after.values() == before.values():
            return before
        _require_leave(before, after, by, work)
        work.settings.save(after)
        work.events.append(_events(before, after, work))
        return after

    def replace(
        self, values: Mapping[str, object], expected: int, by: Principal, work: UnitOfWork
    ) -> ServiceSettings:
        """The whole document; keys left out go back to their defaults."""
        return self.merge({**defaults(), **values}, expected, by, work)

    def reset(self, expected: int, by: Principal, work: UnitOfWork) -> ServiceSettings:
        """Every key back to its default."""
        return self.merge(defaults(), expected, by, work)


def _require_leave(
    before: ServiceSettings, after: ServiceSettings, by: Principal, work: UnitOfWork
) -> None:
    loose = loosened(before, after)
    if not loose:
        return
    if not by.may(Scope.RISK):
        raise AccessDenied(
            "access_denied",
            f"Letting more risk through needs the scope risk: {', '.join(loose)}.",
            context={"needed": Scope.RISK.value, "keys": list(loose)},
        )
    require_fresh_login(by, work, token_scope=Scope.RISK)


def _events(before: ServiceSettings, after: ServiceSettings, work: UnitOfWork) -> list[NewEvent]:
    old, new = before.values(), after.values()
    changed = {key: value for key, value in new.items() if old[key] != value}
    loose = list(loosened(before, after))
    data = explained(
        f"Settings changed: {', '.join(changed)}.",
        inputs={key: old[key] for key in changed},
        outputs={**changed, "version": after.version, "loosened": loose},
    )
    aggregate_id = f"settings_{work.context.owner_id}"
    events = [NewEvent("settings_changed", "settings", aggregate_id, None, data, work.now)]
    if "trading_enabled" in changed:
        word = "on" if after.trading_enabled else "off"
        switched = explained(
            f"Trading was switched {word}.",
            inputs={"trading_enabled": before.trading_enabled},
            outputs={"trading_enabled": after.trading_enabled},
        )
        events.append(
            NewEvent("trading_enabled_changed", "settings", aggregate_id, None, switched, work.now)
        )
    return events

"""The settings document on SQL."""

from typing import Any

from sqlalchemy import bindparam, insert, select, update

from application.context import RequestContext
from application.settings.service_settings import KEYS, ServiceSettings
from domain.shared.errors import Defect, StaleVersion
from infrastructure.persistence.session import SqlSession
from infrastructure.persistence.tables.identity import service_settings

_READ = select(service_settings).where(service_settings.c.owner_id == bindparam("owner_id"))
_ADD = insert(service_settings)
_SAVE = (
    update(service_settings)
    .where(
        service_settings.c.owner_id == bindparam("key"),
        service_settings.c.version == bindparam("before"),
    )
    .values(
        document=bindparam("document"),
        updated_at=bindparam("updated_at"),
        version=bindparam("version"),
    )
)


class SqlSettingsBook:
    """`SettingsBook` on SQL; stored keys that this version does not know are left out."""

    def __init__(self, session: SqlSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def read(self) -> ServiceSettings:
        row = self._session.one(_READ, owner_id=self._owner_id)
        if row is None:
            return ServiceSettings()
        known: dict[str, Any] = {k: v for k, v in row["document"].items() if k in KEYS}
        return ServiceSettings(**known, version=row["version"], updated_at=row["updated_at"])

    def save(self, settings: ServiceSettings) -> None:
        if settings.updated_at is None:
            raise Defect("settings_unchanged", "Settings are saved with the time of their change.")
        values = {
            "document": settings.values(),
            "updated_at": settings.updated_at,
            "version": settings.version,
        }
        before = settings.version - 1
        if self._session.run(_SAVE, key=self._owner_id, before=before, **values) == 1:
            return
        if before != 1 or self._session.one(_READ, owner_id=self._owner_id) is not None:
            raise StaleVersion("stale_version", "The settings changed meanwhile.")
        self._session.run(_ADD, owner_id=self._owner_id, **values)

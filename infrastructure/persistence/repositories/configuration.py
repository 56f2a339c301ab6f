"""Versions of the desktop configuration on SQL."""

from collections.abc import Sequence

from sqlalchemy import bindparam, insert, select

from application.context import RequestContext
from application.risk.configuration_version import FIRST_VERSION, ConfigurationVersion, Layers
from domain.shared.errors import StaleVersion
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.configuration import configuration_versions

_T = configuration_versions.c
_CONFIGURATION = "configuration"
_INSERT = insert(configuration_versions)
_BELOW = (
    select(configuration_versions)
    .where(_T.owner_id == bindparam("owner_id"), _T.version < bindparam("before"))
    .order_by(_T.version.desc())
    .limit(bindparam("most"))
)
_ANY = 2**31 - 1


class SqlConfigurationBook:
    """`ConfigurationBook` on SQL."""

    def __init__(self, session: SqlSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def newest(self) -> ConfigurationVersion | None:
        known: ConfigurationVersion | None = self._session.recall(_CONFIGURATION, self._owner_id)
        if known is not None:
            return known
        found = self.list(1)
        if not found:
            return None
        self._session.remember(_CONFIGURATION, self._owner_id, found[0])
        return found[0]

    def add(self, version: ConfigurationVersion) -> None:
        newest = self.newest()
        if version.version != (newest.version if newest else FIRST_VERSION) + 1:
            raise StaleVersion("stale_version", "The configuration changed meanwhile.")
        self._session.run(
            _INSERT,
            owner_id=self._owner_id,
            version=version.version,
            file_layer=dict(version.layers.file),
            changes_layer=dict(version.layers.changes),
            environment_layer=dict(version.layers.environment),
            hash=version.hash,
            diff=[dict(item) for item in version.diff],
            actor=version.actor,
            reason=version.reason,
            at=version.at,
        )
        self._session.remember(_CONFIGURATION, self._owner_id, version)

    def list(self, limit: int, before: int | None = None) -> Sequence[ConfigurationVersion]:
        rows = self._session.all(_BELOW, owner_id=self._owner_id, before=before or _ANY, most=limit)
        return [_version(row) for row in rows]


def _version(row: Row) -> ConfigurationVersion:
    layers = Layers(row["file_layer"], row["changes_layer"], row["environment_layer"])
    return ConfigurationVersion(
        row["version"],
        layers,
        row["hash"],
        tuple(row["diff"]),
        row["actor"],
        row["reason"],
        row["at"],
    )

"""Alembic environment: runs on the connection `migrate` hands over, or on the configured database.

One transaction around everything, on SQLite too: a migration that fails leaves nothing behind.
"""

import os

from alembic import context
from sqlalchemy import Connection

from infrastructure.persistence.migrate import open_for_migration
from infrastructure.persistence.tables import METADATA


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    address = os.environ.get("BALLAST_DATABASE_URL", "sqlite:///data/ballast.db")
    with open_for_migration(address) as own:
        _run(own)

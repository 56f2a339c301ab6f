"""Alembic environment: runs on the connection `migrate` hands over, or on the configured database."""

import os

from alembic import context
from sqlalchemy import create_engine

from infrastructure.persistence.tables import METADATA

config = context.config


def _run(connection: object) -> None:
    context.configure(
        connection=connection,  # type: ignore[arg-type]
        target_metadata=METADATA,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    address = os.environ.get("BALLAST_DATABASE_URL", "sqlite:///data/ballast.db")
    with create_engine(address).connect() as own:
        _run(own)
        own.commit()

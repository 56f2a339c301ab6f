"""Triggers that refuse UPDATE and DELETE, so history stays history whoever connects.

A revision that rebuilds such a table in SQLite drops its triggers and calls `protect` again.
"""

from alembic import op

_SQLITE = """
CREATE TRIGGER {table}_refuse_{verb} BEFORE {verb_upper} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""

_FUNCTION = """
CREATE OR REPLACE FUNCTION ballast_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$
"""

_POSTGRESQL = """
CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION ballast_refuse_change()
"""


def protect(*tables: str) -> None:
    """Create the triggers."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        op.execute(_FUNCTION)
    for table in tables:
        if is_sqlite:
            for verb in ("update", "delete"):
                op.execute(_SQLITE.format(table=table, verb=verb, verb_upper=verb.upper()))
        else:
            op.execute(_POSTGRESQL.format(table=table))


def unprotect(*tables: str) -> None:
    """Drop the triggers, and the function they share on PostgreSQL: for the first revision."""
    lift(*tables)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION IF EXISTS ballast_refuse_change()")


def lift(*tables: str) -> None:
    """Drop the triggers of these tables; others go on being protected."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in tables:
        if is_sqlite:
            for verb in ("update", "delete"):
                op.execute(f"DROP TRIGGER IF EXISTS {table}_refuse_{verb}")
        else:
            op.execute(f"DROP TRIGGER IF EXISTS {table}_refuse_change ON {table}")

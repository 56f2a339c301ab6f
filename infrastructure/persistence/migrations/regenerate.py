"""Writes the first revision anew from the tables: `python -m …persistence.migrations.regenerate`.

Only until the first release: afterwards a change of the tables is a new revision.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from infrastructure.persistence.tables import METADATA

FIRST_REVISION = "0001"
VERSIONS = Path(__file__).parent / "versions"
APPEND_ONLY = ("events", "transfers", "configuration_versions")

_FILE = '''# ruff: noqa: E501, PLR0915 - written by regenerate.py, a statement per table
"""The first schema."""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import types
from infrastructure.persistence.migrations.append_only import protect, unprotect

revision = "{revision}"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}
    protect({protected})


def downgrade() -> None:
    unprotect({protected})
    {downgrade}
'''

_OWN_TYPES = "infrastructure.persistence.types"


def render_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Our column types by their short name; everything else as Alembic writes it."""
    if kind == "type" and type(item).__module__ == _OWN_TYPES:
        return f"types.{type(item).__name__}()"
    return False


def first_revision() -> str:
    """Text of the revision that builds every table from nothing."""
    with create_engine("sqlite://").connect() as empty:
        context = MigrationContext.configure(
            empty, opts={"target_metadata": METADATA, "render_item": render_type}
        )
        migration = produce_migrations(context, METADATA)
    upgrade, downgrade = migration.upgrade_ops, migration.downgrade_ops
    assert upgrade is not None and downgrade is not None
    protected = ", ".join(f'"{table}"' for table in APPEND_ONLY)
    return _FILE.format(
        revision=FIRST_REVISION,
        upgrade=_rendered(upgrade),
        downgrade=_rendered(downgrade),
        protected=protected,
    )


def _rendered(operations: Any) -> str:
    text = render_python_code(operations, render_item=render_type)
    kept = [line for line in text.splitlines() if not line.strip().startswith("#")]
    return "\n".join(kept).strip()


def main() -> int:
    """Write the file, formatted."""
    target = VERSIONS / f"{FIRST_REVISION}_first_schema.py"
    target.write_text(first_revision())
    ruff = shutil.which("ruff") or str(Path(sys.executable).with_name("ruff"))
    subprocess.run([ruff, "format", "--quiet", str(target)], check=True)
    subprocess.run([ruff, "check", "--fix", "--quiet", str(target)], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

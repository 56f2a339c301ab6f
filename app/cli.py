"""`ballast`: serve, migrate, back up, restore, examine, manage tokens, show settings, run jobs."""

import argparse
import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dishka import Container
from pydantic import ValidationError

from app import __version__
from app.config_file import effective_settings, require_known_keys
from app.logging import configure_logging
from app.settings import Settings
from application.context import ROLE_SCOPES, SYSTEM, Principal, RequestContext, Scope
from domain.shared.errors import Fault, NotFound
from infrastructure.clock import SystemClock
from infrastructure.persistence.engine import Database, open_database
from infrastructure.persistence.store import SqlStore

CONSOLE_REQUEST = "req_console"
EXIT_FAILED = 1
EXIT_MISUSED = 2
TOKEN_DAYS_MAX = 3650

Command = Callable[[argparse.Namespace, Settings], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 failed or unsound, 2 misused."""
    parsed = _parser().parse_args(arguments)
    run: Command = parsed.run
    try:
        require_known_keys(Settings)
        settings = Settings()
        configure_logging("warning", settings.log_format)
        return run(parsed, settings)
    except ValidationError as error:
        for item in error.errors():
            name = ".".join(str(part) for part in item["loc"])
            print(f"ballast: setting {name}: {item['msg']}", file=sys.stderr)
        return EXIT_MISUSED
    except Fault as fault:
        print(f"ballast: {fault.message} ({fault.code})", file=sys.stderr)
        return EXIT_MISUSED if fault.code == "unknown_setting" else EXIT_FAILED
    except OSError as error:
        if error.filename is None:
            raise
        print(f"ballast: {error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ballast", description="Self-hosted trading-risk service")
    parser.add_argument("--version", action="version", version=f"ballast {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    command("serve", serve, "migrate, then answer HTTP until stopped")
    command("worker", worker, "run queued jobs until stopped")
    command("migrate", migrate_store, "bring the database to this release's schema")
    backup = command("backup", back_up, "copy the database while it is in use")
    backup.add_argument("path", nargs="?", type=Path, help="file to write; never overwritten")
    backup.add_argument("--candles", type=Path, help="list the candle files of this folder too")
    restore = command("restore", restore_store, "put a backup in place of the database")
    restore.add_argument("path", type=Path)
    restore.add_argument("--replace", action="store_true", help="overwrite what is there")
    command("doctor", examine_store, "verify event chain, ledger and books")
    command("config", show_settings, "print effective settings with their sources")
    _add_token(command("token", list_tokens, "manage API tokens of the owner"))
    return parser


def _add_token(token: argparse.ArgumentParser) -> None:
    actions = token.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a token; it is shown once")
    create.add_argument("name")
    create.add_argument(
        "--scope", action="append", choices=[scope.value for scope in Scope], default=None
    )
    create.add_argument("--days", type=_days, help="valid for so many days; without: no end")
    create.set_defaults(run=create_token)
    listed = actions.add_parser("list", help="tokens that are not revoked")
    listed.set_defaults(run=list_tokens)
    revoke = actions.add_parser("revoke", help="end a token now")
    revoke.add_argument("id")
    revoke.set_defaults(run=revoke_token)


def _days(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= TOKEN_DAYS_MAX:
        return int(text)
    raise argparse.ArgumentTypeError(f"1 to {TOKEN_DAYS_MAX}")


def serve(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Migrate and listen; stops within ten seconds of SIGTERM or SIGINT."""
    # Importing makes half a million objects that all stay: collecting among them doubles the start.
    gc.disable()
    from app.configuration_start import adopt_configuration, start_sources  # noqa: PLC0415
    from app.server import require_sound, run_server  # noqa: PLC0415 - others need no server

    require_sound(settings)
    sources = start_sources(settings)
    migrate_store(_arguments, settings)
    with _store(settings) as store:
        adopt_configuration(sources, store, settings.data_dir)
    run_server(settings)
    return 0


def worker(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Run jobs until SIGTERM or SIGINT; running ones are handed back."""
    from app.container import build_container  # noqa: PLC0415
    from infrastructure.compute.supervisor import JobSupervisor  # noqa: PLC0415

    configure_logging(settings.log_level, settings.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    container = build_container(settings)
    supervisor = container.get(JobSupervisor)
    supervisor.start()
    try:
        stop.wait()
    finally:
        supervisor.close()
        container.close()
    return 0


def migrate_store(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Upgrade the schema; a backup is made first when there is something to lose."""
    from infrastructure.persistence.migrate import migrate  # noqa: PLC0415

    with _database(settings) as database:
        backed_up = settings.migrate_without_backup
        done = migrate(database, settings.data_dir, is_backed_up=backed_up)
    if done.changed:
        print(f"Schema {done.before or 'none'} -> {done.after}.", file=sys.stderr)
    if done.backup is not None:
        print(f"The database before it: {done.backup}", file=sys.stderr)
    return 0


def back_up(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write a checked copy and its manifest; prints the file."""
    from infrastructure.persistence.backup import back_up_sqlite  # noqa: PLC0415
    from infrastructure.persistence.backup_postgresql import back_up_postgresql  # noqa: PLC0415

    with _database(settings) as database:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        suffix = "db" if database.is_sqlite else "dump"
        target = arguments.path or settings.data_dir / "backups" / f"ballast-{stamp}.{suffix}"
        if database.path is not None:
            manifest = back_up_sqlite(database.path, target, arguments.candles)
        else:
            manifest = back_up_postgresql(database.url, target, arguments.candles)
    print(target)
    print(f"{manifest.bytes} bytes, sha256 {manifest.sha256}", file=sys.stderr)
    return 0


def restore_store(arguments: argparse.Namespace, settings: Settings) -> int:
    """Put the backup in place; refuses to overwrite without --replace."""
    from infrastructure.persistence.backup import restore_sqlite  # noqa: PLC0415
    from infrastructure.persistence.backup_postgresql import restore_postgresql  # noqa: PLC0415

    with _database(settings) as database:
        if database.path is not None:
            restore_sqlite(arguments.path, database.path, replace=arguments.replace)
        else:
            restore_postgresql(arguments.path, database.url, replace=arguments.replace)
    print("Restored.", file=sys.stderr)
    return 0


def examine_store(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Print what was looked at and each finding; 1 when something is wrong."""
    from infrastructure.persistence.doctor import examine  # noqa: PLC0415
    from infrastructure.persistence.migrate import current  # noqa: PLC0415

    with _database(settings) as database:
        if current(database) is None:
            raise NotFound("database_not_found", "There is no migrated database to examine.")
        examination = examine(database)
    looked_at = ", ".join(f"{n} {what}" for what, n in examination.looked_at.items())
    print(f"Looked at {looked_at}.")
    for found in examination.diagnoses:
        print(f"{found.code}: {found.subject}: expected {found.expected}, found {found.found}")
    for code, n in examination.counts.items():
        print(f"{n} x {code}")
    print("Sound." if examination.is_sound else "Not sound.")
    return 0 if examination.is_sound else EXIT_FAILED


def show_settings(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Print `name = value  # source` lines."""
    for row in effective_settings(settings):
        print(f"{row.name} = {row.value}  # {row.source}")
    return 0


def create_token(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a new token once."""
    from application.identity.api_tokens import CreateApiToken, NewApiToken  # noqa: PLC0415

    scopes = frozenset(Scope(name) for name in arguments.scope or [Scope.READ])
    ends = None if arguments.days is None else datetime.now(UTC) + timedelta(days=arguments.days)
    new = NewApiToken(arguments.name, scopes, ends)
    with _console(settings) as (container, owner, store):
        create = container.get(CreateApiToken)
        minted = store.command(lambda work: create(new, owner, work), _context(owner)).result()
    print(minted.text)
    print(f"Token {minted.token.id}; it cannot be shown again.", file=sys.stderr)
    return 0


def list_tokens(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Print id, name, scopes and end of each live token."""
    from application.ports.repositories import Page  # noqa: PLC0415

    with _console(settings) as (_container, owner, store):
        tokens = store.query(
            lambda work: work.api_tokens.list(owner.user_id, Page(limit=500)), _context(owner)
        )
    for token in tokens:
        scopes = ",".join(sorted(scope.value for scope in token.scopes))
        until = "no end" if token.expires_at is None else f"until {token.expires_at:%Y-%m-%d}"
        print(f"{token.id}  {token.name}  {scopes}  {until}")
    return 0


def revoke_token(arguments: argparse.Namespace, settings: Settings) -> int:
    """End a token."""
    from application.identity.api_tokens import RevokeApiToken  # noqa: PLC0415

    with _console(settings) as (container, owner, store):
        revoke = container.get(RevokeApiToken)
        store.command(lambda work: revoke(arguments.id, owner, work), _context(owner)).result()
    print("Revoked.", file=sys.stderr)
    return 0


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings.database_address)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _store(settings: Settings) -> Iterator[SqlStore]:
    with _database(settings) as database:
        store = SqlStore(database, SystemClock())
        try:
            yield store
        finally:
            store.close()


@contextmanager
def _console(settings: Settings) -> Iterator[tuple[Container, Principal, SqlStore]]:
    """The person at the console acts as the owner: who can read the data folder already is."""
    from app.container import build_container  # noqa: PLC0415

    container = build_container(settings)
    store = container.get(SqlStore)
    try:
        founder = store.query(lambda work: work.users.founder(), SYSTEM)
        if founder is None:
            raise NotFound("owner_not_found", "There is no owner yet; start the service once.")
        scopes = ROLE_SCOPES[founder.role]
        yield (
            container,
            Principal(founder.id, founder.owner_id, founder.role, scopes, "console"),
            store,
        )
    finally:
        store.close()
        container.close()


def _context(owner: Principal) -> RequestContext:
    return RequestContext(owner.owner_id, owner.user_id, CONSOLE_REQUEST, owner.scopes)


if __name__ == "__main__":
    sys.exit(main())

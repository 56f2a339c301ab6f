"""Writes `docs/openapi.json` and `docs/reference/{errors,settings,configuration,events}.md`.

`python -m app.reference_docs [--check]`: everything comes from the source and from the routes' own
declarations; `--check` fails when a file on disk differs from what it should be.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from app.api.problems import FRAMEWORK_CODES
from app.docs_assets import declared_codes
from app.source_scan import ROOT, FoundCode, FoundEvent, error_codes, event_types
from application.risk.configuration_document import DEFAULTS, allowed, unit_of
from application.risk.configuration_variables import variable_of
from domain.risk.desktop_keys import KEYS, Loosens
from domain.shared.canonical import canonical_json

FOLDER = ROOT / "docs" / "reference"
OPENAPI_FILE = ROOT / "docs" / "openapi.json"
_OPERATIONS_SHOWN = 6


def errors_page(found: Iterable[FoundCode], openapi: Mapping[str, Any]) -> str:
    """Every code with its status, what it says, and the operations that declare it."""
    statuses: dict[str, set[int]] = defaultdict(set)
    messages: dict[str, list[str]] = defaultdict(list)
    for code in found:
        if code.status:
            statuses[code.code].add(code.status)
        if code.message not in ("", "…", *messages[code.code]):
            messages[code.code].append(code.message)
    for status, name in FRAMEWORK_CODES.items():
        statuses[name].add(status)
    operations: dict[str, list[str]] = {}
    for name, (status, where) in declared_codes(dict(openapi)).items():
        statuses[name].add(status)
        operations[name] = where
    rows = [
        (
            f'<a id="{name}"></a>`{name}`',
            ", ".join(map(str, sorted(statuses[name]))) or "–",
            " / ".join(messages.get(name, [])) or "–",
            _listed(operations.get(name, [])),
        )
        for name in sorted({*statuses, *messages})
    ]
    return _page(
        "Error codes",
        "Clients switch on `code`. An ellipsis stands for a value that is filled in.",
        ("code", "status", "says", "operations"),
        rows,
    )


def settings_page(settings_class: type[BaseSettings]) -> str:
    """Every setting with its variable, its default and what it does."""
    prefix = str(settings_class.model_config.get("env_prefix", "")).upper()
    rows = [
        (
            f"`{name}`",
            f"`{prefix}{name.upper()}`",
            _default(field.default),
            field.description or "",
        )
        for name, field in settings_class.model_fields.items()
    ]
    return _page(
        "Settings",
        "From the environment or `ballast.toml`; `ballast config` prints the effective values. "
        "A key that is not listed is an error that names the nearest one.",
        ("in `ballast.toml`", "environment", "default", "what it does"),
        rows,
    )


def configuration_page() -> str:
    """Every key of the desktop configuration as it is published, and what else it stands for."""
    rows = [
        (
            f"`{key.path}`",
            unit_of(key).replace("_", " "),
            f"`{canonical_json(DEFAULTS[key.path])}`",
            allowed(key),
            _LOOSENS[key.loosens],
            f"`{key.limit_key}`" if key.limit_key else "–",
            f"`{variable_of(key.path)}`",
        )
        for key in KEYS
    ]
    return _page(
        "Desktop configuration",
        "Keys of `config.json` and of `GET /config`, in their published units. The effective value "
        "is the environment's, else the last change through the API, else the file's, else the "
        "default. A change that loosens needs the role risk_manager, a fresh login and a reason. "
        "A number may be sent as decimal text; the unit follows from the key, never from the size.",
        ("key", "unit", "default", "allowed", "loosens when", "risk limit", "environment"),
        rows,
    )


_LOOSENS = {
    Loosens.LARGER: "larger",
    Loosens.SMALLER: "smaller",
    Loosens.SWITCHED_ON: "switched on",
    Loosens.SWITCHED_OFF: "switched off",
    Loosens.TO_LEGACY: "set to `legacy`",
    Loosens.LARGER_OR_NULL: "larger, or from or to null",
    Loosens.ANY_CHANGE: "changed in any way",
    Loosens.NEVER: "never",
}


def events_page(found: Iterable[FoundEvent]) -> str:
    """Every event type that is appended, and the modules that append it."""
    modules: dict[str, list[str]] = defaultdict(list)
    for event in found:
        modules[event.type].append(event.module)
    rows = [
        (f"`{kind}`", ", ".join(f"`{module}`" for module in modules[kind]))
        for kind in sorted(modules)
    ]
    return _page(
        "Events",
        "Types of the append-only log, as `GET /api/v1/events` and its stream deliver them.",
        ("type", "appended by"),
        rows,
    )


def openapi_document() -> dict[str, Any]:
    """The published document of this release, whatever the environment says."""
    from app.main import create_app  # noqa: PLC0415 - the pages of one module need no service
    from app.settings import Settings  # noqa: PLC0415

    return create_app(Settings()).openapi()


def openapi_text() -> str:
    """The document in canonical form: sorted members, one space, one final newline."""
    document = openapi_document()
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def pages() -> dict[str, str]:
    """Every reference page by file name."""
    from app.settings import Settings  # noqa: PLC0415 - the pages of one module need no service

    return {
        "errors.md": errors_page(error_codes(), openapi_document()),
        "settings.md": settings_page(Settings),
        "configuration.md": configuration_page(),
        "events.md": events_page(event_types()),
    }


def _page(title: str, text: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"# {title}", "", text, "", _row(head), _row(("---",) * len(head))]
    lines += [_row(row) for row in rows]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _listed(operations: list[str]) -> str:
    if len(operations) > _OPERATIONS_SHOWN:
        return f"{len(operations)} operations"
    return ", ".join(f"`{name}`" for name in operations) or "–"


def _default(value: object) -> str:
    if value is None or value is PydanticUndefined or value in ("", ()):
        return "–"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    return f"`{value}`"


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or with `--check` only compare; 1 when one is stale."""
    is_check = "--check" in (sys.argv[1:] if arguments is None else arguments)
    files = {FOLDER / name: text for name, text in pages().items()} | {OPENAPI_FILE: openapi_text()}
    stale = [file for file, text in files.items() if not _settle(file, text, is_check)]
    for file in stale:
        sys.stderr.write(f"{file.name} is stale: python -m app.reference_docs\n")
    return 1 if stale else 0


def _settle(file: Path, text: str, is_check: bool) -> bool:
    if is_check:
        return file.exists() and file.read_text(encoding="utf-8") == text
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main())

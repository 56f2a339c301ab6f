"""A report as JSON, CSV or a workbook.

`document` is what was true when it was asked for: summary, active positions, configuration; `rows`
are the steps of trades as JSON texts, oldest first, and may be many.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infrastructure.persistence.types import from_json, to_json
from infrastructure.reports.tables import Sheet, write_csv, write_workbook

_LEADING = (
    "seq", "timestamp", "action", "symbol", "position_id", "session", "quantity", "price",
    "entry_price", "exit_price", "stop_level", "reason",
)  # fmt: skip
_CLOSED = "POSITION_CLOSED"

Row = Mapping[str, Any]
Cells = Sequence[object]


def write_report(
    path: Path, file_format: str, document: Mapping[str, Any], rows: Iterable[str]
) -> int:
    """Write the file; how many rows it holds."""
    if file_format == "json":
        return _write_json(path, document, rows)
    parsed = [from_json(text) for text in rows]
    if file_format == "csv":
        events = _table("Events", parsed)
        write_csv(path, events.columns, events.rows)
    else:
        write_workbook(path, _sheets(document, parsed))
    return len(parsed)


def _write_json(path: Path, document: Mapping[str, Any], rows: Iterable[str]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as out:
        out.write(to_json(dict(document)).removesuffix("}") + ',"trade_history":[')
        for count, row in enumerate(rows, start=1):
            out.write(f"{',' if count > 1 else ''}\n{row}")
        out.write("\n]}\n")
    return count


def _sheets(document: Mapping[str, Any], rows: Sequence[Row]) -> Iterator[Sheet]:
    head = [(name, document[name]) for name in ("generated_at", "version", "config_hash")]
    summary = [*head, *_flat(document["summary"])]
    yield Sheet("Summary", ("figure", "value"), summary)
    yield _table("Trades", [row for row in rows if row["action"] == _CLOSED])
    yield _table("Events", rows)
    yield _table("Positions", list(document["active_positions"].values()))
    yield Sheet("Config", ("key", "value"), list(_flat(document["config"])))


def _table(name: str, rows: Sequence[Row]) -> Sheet:
    """One column per member that any row has, the telling ones first."""
    seen = dict.fromkeys(key for row in rows for key in row)
    columns = [c for c in _LEADING if c in seen] + [c for c in seen if c not in _LEADING]
    columns = columns or list(_LEADING)
    return Sheet(name, columns, [[_cell(row.get(c)) for c in columns] for row in rows])


def _flat(value: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
        for item in value:
            name = item.get("name", "")
            rest = {key: member for key, member in item.items() if key != "name"}
            yield from _flat(rest, f"{prefix}.{name}")
    else:
        yield prefix, _cell(value)


def _cell(value: object) -> object:
    return to_json(value) if isinstance(value, (list, Mapping)) else value

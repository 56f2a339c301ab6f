"""A CSV or Parquet upload as batches of text columns, bounded in bytes, with the line of every
row."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.market.import_report import RowError
from domain.shared.errors import Invalid

BYTES_MAX = 64 * 1024 * 1024
UNPACKED_BYTES_MAX = 1024 * 1024 * 1024
ROWS_MAX = 5_000_000
BLOCK_BYTES = 4 * 1024 * 1024
PARQUET_MAGIC = b"PAR1"
_PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Columns of text by lower-case name, and the file line of each row (header = 1)."""

    columns: dict[str, pa.Array]
    lines: NDArray[np.int64]


@dataclass(slots=True)
class ImportFile:
    """An upload that was opened: columns, a row estimate, and rows of a wrong width."""

    path: Path
    delimiter: str
    columns: tuple[str, ...] = ()
    row_estimate: int = 0
    errors: list[RowError] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, delimiter: str) -> "ImportFile":
        """Invalid `import_invalid` for a file that is too large, packed, empty or not UTF-8."""
        size = path.stat().st_size
        if size > BYTES_MAX:
            raise _refused("The file is larger than 64 MiB.", "file_too_large")
        with path.open("rb") as stream:
            start = stream.read(8)
        if start.startswith(_PACKED):
            raise _refused("Packed files are not accepted.", "packed_file")
        if not size:
            raise _refused("The file is empty.", "empty_file")
        file = cls(path, delimiter)
        if start.startswith(PARQUET_MAGIC):
            file._describe_parquet()
        else:
            file._describe_text()
        return file

    @property
    def is_parquet(self) -> bool:
        """Decided by content, not by name."""
        with self.path.open("rb") as stream:
            return stream.read(4) == PARQUET_MAGIC

    def batches(self) -> Iterator[RowBatch]:
        """Rows in file order; rows of a wrong width are in `errors` instead."""
        return self._parquet_batches() if self.is_parquet else self._text_batches()

    def _describe_text(self) -> None:
        rows = 0
        with self.path.open("rb") as stream:
            header = stream.readline(65_536)
            while block := stream.read(BLOCK_BYTES):
                rows += block.count(b"\n")
        try:
            text = header.decode("utf-8-sig")
        except UnicodeDecodeError as not_text:
            raise _refused("The file is not UTF-8 text.", "not_utf8") from not_text
        names = [name.strip().strip('"').lower() for name in text.strip().split(self.delimiter)]
        if len(set(names)) != len(names):
            raise _refused("Two columns have the same name.", "duplicate_column")
        self.columns, self.row_estimate = tuple(names), rows

    def _text_batches(self) -> Iterator[RowBatch]:
        skipped: set[int] = set()

        def refuse(row: pc.InvalidRow) -> str:
            number = int(row.number)
            skipped.add(number)
            message = f"The row has {row.actual_columns} cells, the header {row.expected_columns}."
            self.errors.append(RowError(number, "", "wrong_width", message))
            return "skip"

        next_line, seen = 2, 0
        try:
            reader = pc.open_csv(
                self.path,
                read_options=pc.ReadOptions(
                    use_threads=False,
                    block_size=BLOCK_BYTES,
                    column_names=list(self.columns),
                    skip_rows=1,
                ),
                parse_options=pc.ParseOptions(
                    delimiter=self.delimiter, invalid_row_handler=refuse, ignore_empty_lines=False
                ),
                convert_options=pc.ConvertOptions(
                    column_types=dict.fromkeys(self.columns, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
            for batch in reader:
                lines, next_line = _lines(next_line, batch.num_rows, skipped)
                seen += batch.num_rows
                _bound_rows(seen)
                yield _without_blank_rows(batch, lines)
        except pa.ArrowInvalid as broken:
            raise _refused(
                f"The text cannot be read near line {next_line}.", "unreadable"
            ) from broken

    def _describe_parquet(self) -> None:
        try:
            facts = pq.read_metadata(self.path)
        except (pa.ArrowInvalid, OSError) as broken:
            raise _refused("The Parquet file cannot be read.", "unreadable") from broken
        unpacked = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
        if unpacked > UNPACKED_BYTES_MAX:
            raise _refused("The file unpacks to more than 1 GiB.", "file_too_large")
        _bound_rows(facts.num_rows)
        names = pq.read_schema(self.path).names
        self.columns, self.row_estimate = tuple(n.lower() for n in names), facts.num_rows

    def _parquet_batches(self) -> Iterator[RowBatch]:
        next_line = 2
        try:
            for batch in pq.ParquetFile(self.path).iter_batches(batch_size=65_536):
                lines = np.arange(next_line, next_line + batch.num_rows, dtype=np.int64)
                next_line += batch.num_rows
                columns = {
                    name: column.cast(pa.string())
                    for name, column in zip(self.columns, batch.columns, strict=True)
                }
                yield RowBatch(columns, lines)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as broken:
            raise _refused("The Parquet file cannot be read.", "unreadable") from broken


def _lines(start: int, count: int, skipped: set[int]) -> tuple[NDArray[np.int64], int]:
    if not skipped:
        return np.arange(start, start + count, dtype=np.int64), start + count
    lines = np.empty(count, dtype=np.int64)
    line = start
    for i in range(count):
        while line in skipped:
            line += 1
        lines[i] = line
        line += 1
    return lines, line


def _without_blank_rows(batch: pa.RecordBatch, lines: NDArray[np.int64]) -> RowBatch:
    names = batch.schema.names
    blank = np.ones(batch.num_rows, dtype=np.bool_)
    for column in batch.columns:
        if column.null_count == 0:
            return RowBatch(dict(zip(names, batch.columns, strict=True)), lines)
        blank &= column.is_null().to_numpy(zero_copy_only=False)
    kept = batch.filter(pa.array(~blank)) if blank.any() else batch
    return RowBatch(dict(zip(names, kept.columns, strict=True)), lines[~blank])


def _bound_rows(rows: int) -> None:
    if rows > ROWS_MAX:
        raise _refused("The file has more than 5 million rows.", "too_many_rows")


def _refused(message: str, reason: str) -> Invalid:
    return Invalid("import_invalid", message, context={"reason": reason})

"""One partition to and from Parquet, with its mirror. The only module that writes candle files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain.market.candle import (
    CANDLE_DTYPE,
    Candles,
    SeriesKey,
    content_hash,
    empty_candles,
    from_ms,
)
from domain.market.series import CandleSeries, PartitionManifest
from domain.shared.errors import Unavailable
from infrastructure.market_data.durable_files import file_sha256, sync, write_durably
from infrastructure.market_data.partition_files import mirror_of, partition_path, series_folder

SCHEMA_VERSION = 1
ROW_GROUP_ROWS = 65_536
COMPRESSION_LEVEL = 3
_TIMES = ("open_time", "close_time")


def write_partition(
    data_dir: Path, key: SeriesKey, year: int, rows: Candles, series: CandleSeries
) -> PartitionManifest:
    """Write mirror and Parquet file durably; Unavailable `storage_full` when the disk refuses."""
    content = content_hash(rows)
    staging = data_dir / series_folder(key) / f".{year}.{content[:16]}.staged"
    try:
        staging.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            _table(rows, key, series.price_scale, content),
            staging,
            compression="zstd",
            compression_level=COMPRESSION_LEVEL,
            row_group_size=ROW_GROUP_ROWS,
        )
        sync(staging)
        sha256 = file_sha256(staging)
        path = partition_path(key, year, sha256)
        target = data_dir / path
        write_durably(mirror_of(target), lambda temporary: save_rows(temporary, rows))
        staging.replace(target)
        sync(target.parent)
    except OSError as refused:
        staging.unlink(missing_ok=True)
        raise Unavailable("storage_full", "The candle files could not be written.") from refused
    return PartitionManifest(
        series_id=key.id,
        year=year,
        path=path,
        rows=len(rows),
        first_open=from_ms(rows["open_time"][0]),
        last_open=from_ms(rows["open_time"][-1]),
        sha256=sha256,
        content_sha256=content,
        schema_version=SCHEMA_VERSION,
        written_at=series.updated_at,
    )


def read_partition(path: Path) -> Candles:
    """Rows of a Parquet file, equal to what was written."""
    table = pq.read_table(path)
    rows = empty_candles(table.num_rows)
    for name in CANDLE_DTYPE.names or ():
        column = table.column(name)
        if name in _TIMES:
            column = column.cast(pa.int64())
        filled = column.fill_null(-1) if name == "trades" else column
        rows[name] = filled.to_numpy(zero_copy_only=False)
    return rows


def rebuild_mirror(data_dir: Path, manifest: PartitionManifest) -> bool:
    """Write the mirror again from a Parquet file that is whole; False when it is not."""
    path = data_dir / manifest.path
    if not path.is_file() or file_sha256(path) != manifest.sha256:
        return False
    rows = read_partition(path)
    if content_hash(rows) != manifest.content_sha256:
        return False
    write_durably(mirror_of(path), lambda temporary: save_rows(temporary, rows))
    return True


def save_rows(path: Path, rows: Candles) -> None:
    """Plain `.npy`, so that it can be memory-mapped."""
    with path.open("wb") as stream:
        np.save(stream, np.ascontiguousarray(rows, dtype=CANDLE_DTYPE), allow_pickle=False)


def _table(rows: Candles, key: SeriesKey, price_scale: int, content: str) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    for name in CANDLE_DTYPE.names or ():
        values = np.ascontiguousarray(rows[name])
        if name in _TIMES:
            columns[name] = pa.array(values, pa.int64()).cast(pa.timestamp("ms", "UTC"))
        elif name == "trades":
            columns[name] = pa.array(values, pa.int64(), mask=values < 0)
        elif values.dtype.kind == "f":
            columns[name] = pa.array(values, pa.float64(), mask=np.isnan(values))
        else:
            columns[name] = pa.array(values)
    metadata = {
        "ballast.series": key.id,
        "ballast.schema_version": str(SCHEMA_VERSION),
        "ballast.price_scale": str(price_scale),
        "ballast.content_sha256": content,
    }
    return pa.table(columns).replace_schema_metadata(metadata)

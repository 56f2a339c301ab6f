"""Where the rows of a series lie: one Parquet file and one `.npy` mirror per partition.

`candles/{source}/{instrument}/{interval}/{adjustment}/{year}-{hash}.parquet`; one file named `all`
for intervals of a day and longer. The hash of its bytes is part of the name, so a new version never
overwrites the file a committed manifest or a running reader points at.
"""

from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from domain.market.candle import Candles, SeriesKey
from domain.market.series import WHOLE_SERIES
from domain.market.timeframe import timeframe

FOLDER = "candles"
HASH_DIGITS = 16


def series_folder(key: SeriesKey) -> str:
    """Folder of the series below the data folder; characters of a symbol cannot leave it."""
    instrument = quote(key.instrument, safe="-")
    if set(instrument) <= {"."}:
        instrument = instrument.replace(".", "%2E")
    interval = timeframe(key.interval).storage_name
    return f"{FOLDER}/{key.source}/{instrument}/{interval}/{key.adjustment}"


def partition_path(key: SeriesKey, year: int, sha256: str) -> str:
    """Path of the Parquet file below the data folder."""
    label = "all" if year == WHOLE_SERIES else str(year)
    return f"{series_folder(key)}/{label}-{sha256[:HASH_DIGITS]}.parquet"


def mirror_of(path: Path) -> Path:
    """The `.npy` file beside a Parquet file."""
    return path.with_suffix(".npy")


def partition_years(key: SeriesKey, rows: Candles) -> NDArray[np.int64]:
    """Partition of each row: the UTC year of its open, 0 for intervals of a day and longer."""
    if not timeframe(key.interval).is_intraday:
        return np.full(len(rows), WHOLE_SERIES, dtype=np.int64)
    stamps = rows["open_time"].astype("datetime64[ms]")
    return stamps.astype("datetime64[Y]").astype(np.int64) + 1970

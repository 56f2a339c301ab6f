"""Session tables and bundled series at start: loaded by a child process, and only when needed."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import structlog

from app.operations import Operations
from app.settings import Settings
from application.ports.candles import CandleReader, SeriesFilter
from infrastructure.market_data.calendar_tables import FOLDER

TIMEOUT_S = 300
KEY = "market_data"
BUNDLED_SERIES = 4
REWRITE_AFTER = timedelta(days=30)
log = structlog.get_logger("ballast.lifecycle")


def load_beside(settings: Settings, candles: CandleReader, operations: Operations) -> None:
    """Block readiness until the data is there; liveness does not wait."""
    if _is_fresh(settings, candles):
        return
    operations.readiness.block(KEY, "The bundled series are being loaded.")

    def run() -> None:
        try:
            load_market_data(settings)
        except subprocess.CalledProcessError as failed:
            log.error(  # noqa: TRY400 - what the child said is the cause
                "market_data_failed", code=failed.returncode, said=failed.stderr.decode()[-2000:]
            )
        except (subprocess.SubprocessError, OSError):
            log.exception("market_data_failed")
        else:
            operations.readiness.clear(KEY)

    threading.Thread(target=run, name="ballast-market-data", daemon=True).start()


def load_market_data(settings: Settings) -> None:
    """In a child process: this one never imports pandas. Idempotent."""
    command = [
        sys.executable,
        "-m",
        "infrastructure.market_data.load_bundled",
        "--data-dir",
        str(settings.data_dir),
        "--database-url",
        settings.database_address,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)


def _is_fresh(settings: Settings, candles: CandleReader) -> bool:
    table = settings.data_dir / FOLDER / "XNYS.npy"
    if not table.is_file():
        return False
    age = datetime.now(UTC) - datetime.fromtimestamp(table.stat().st_mtime, UTC)
    loaded = candles.series(SeriesFilter(source="bundled"))
    return age < REWRITE_AFTER and len(loaded) >= BUNDLED_SERIES

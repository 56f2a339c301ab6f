"""Session tables and bundled series at start: loaded by a child process, and only when needed."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import structlog

from app.health import Readiness
from app.settings import Settings
from application.ports.candles import CandleReader, SeriesFilter
from infrastructure.market_data.calendar_tables import FOLDER

TIMEOUT_S = 300
KEY = "market_data"
THREAD = "ballast-market-data"
BUNDLED_SERIES = 4
REWRITE_AFTER = timedelta(days=30)
FIRST_PAUSE_S = 2.0
PAUSE_MAX_S = 300.0
log = structlog.get_logger("ballast.lifecycle")


class MarketDataLoad:
    """Keeps readiness red until the data is there; liveness does not wait.

    A load that fails is tried again after 2 s, then after twice as long each time, at most 5 min.
    """

    def __init__(
        self, settings: Settings, readiness: Readiness, *, first_pause_s: float = FIRST_PAUSE_S
    ) -> None:
        self._settings = settings
        self._readiness = readiness
        self._pause_s = first_pause_s
        self._stopping = threading.Event()

    def start(self, candles: CandleReader) -> None:
        """Load beside everything else, unless the data is there; returns at once."""
        if is_fresh(self._settings, candles):
            return
        self._readiness.block(KEY, "Session tables and bundled series are being loaded.")
        threading.Thread(target=self._run, name=THREAD, daemon=True).start()

    def stop(self) -> None:
        """Try no more; returns at once, whatever the child process still does."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._loaded():
            reason = "Market data could not be loaded; the service goes on trying."
            self._readiness.block(KEY, reason)
            if self._stopping.wait(self._pause_s):
                return
            self._pause_s = min(2 * self._pause_s, PAUSE_MAX_S)
        self._readiness.clear(KEY)

    def _loaded(self) -> bool:
        try:
            load_market_data(self._settings)
        except subprocess.CalledProcessError as failed:
            said = failed.stderr.decode(errors="replace")[-2000:]
            self._note(code=failed.returncode, said=said)
        except (subprocess.SubprocessError, OSError) as failed:
            self._note(said=type(failed).__name__)
        else:
            return True
        return False

    def _note(self, **facts: object) -> None:
        log.error("market_data_failed", retry_after_s=self._pause_s, **facts)


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
    if not settings.bundled_data:
        command.append("--tables-only")
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)


def is_fresh(settings: Settings, candles: CandleReader) -> bool:
    """True when what the settings ask for is there: tables young enough, every bundled series."""
    if not settings.session_tables:
        return True
    table = settings.data_dir / FOLDER / "XNYS.npy"
    if not table.is_file():
        return False
    age = datetime.now(UTC) - datetime.fromtimestamp(table.stat().st_mtime, UTC)
    if age >= REWRITE_AFTER:
        return False
    wanted = BUNDLED_SERIES if settings.bundled_data else 0
    return len(candles.series(SeriesFilter(source="bundled"))) >= wanted

"""The one folder reports are written to and read from: `<data>/reports`.

A report is whole or absent: written under a temporary name that no reader sees, synced, then put in
place. Unless it may overwrite, putting it in place fails when the name is taken, however late.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from application.portfolio.report_name import ReportName, is_report_name
from domain.shared.errors import BadInput, NotFound, Unavailable
from infrastructure.market_data.durable_files import sync

FOLDER = "reports"


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as it lies in the folder."""

    name: ReportName
    size_bytes: int
    written_at: datetime


class ReportFolder:
    """Names are checked before they get here; a link in the folder is no report."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FOLDER

    def require_free(self, name: ReportName) -> None:
        """BadInput `file_exists` when the name is taken."""
        if os.path.lexists(self.path / name.name):
            raise _exists(name)

    def keep(self, name: ReportName, write: Callable[[Path], None], *, overwrite: bool) -> Path:
        """Let `write` fill the report and put it in place. BadInput `file_exists`; Unavailable
        `report_not_written` when the disk refuses.
        """
        target = self.path / name.name
        temporary = self.path / f".{secrets.token_hex(8)}.tmp"
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            write(temporary)
            sync(temporary)
            if overwrite:
                temporary.replace(target)
            else:
                target.hardlink_to(temporary)
            sync(self.path)
        except FileExistsError:
            raise _exists(name) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable(
                "report_not_written", f"The report could not be written: {reason}."
            ) from None
        finally:
            temporary.unlink(missing_ok=True)
        return target

    def find(self, name: ReportName) -> Path:
        """NotFound `report_not_found`."""
        path = self.path / name.name
        if path.is_symlink() or not path.is_file():
            raise NotFound("report_not_found", f"There is no report {name.name}.")
        return path

    def stored(self) -> list[StoredReport]:
        """Newest first."""
        return sorted(self._stored(), key=lambda r: (r.written_at, r.name.name), reverse=True)

    def _stored(self) -> Iterator[StoredReport]:
        if not self.path.is_dir():
            return
        with os.scandir(self.path) as entries:
            for entry in entries:
                if is_report_name(entry.name) and entry.is_file(follow_symlinks=False):
                    facts = entry.stat(follow_symlinks=False)
                    written_at = datetime.fromtimestamp(facts.st_mtime, UTC)
                    yield StoredReport(ReportName(entry.name), facts.st_size, written_at)


def _exists(name: ReportName) -> BadInput:
    return BadInput(
        "file_exists", f"There is a report {name.name}; send overwrite=true to replace it."
    )

"""What a job keeps on disk below `<data>/jobs/{id}/`: large result, finished chunks, scratch."""

import os
import shutil
from pathlib import Path

from domain.shared.errors import NotFound


class JobFolder:
    """`JobFiles` on disk; the same layout in the service and in the child."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "jobs"

    def scratch(self, job_id: str) -> Path:
        """Temporary files of the job; the folder exists."""
        return _made(self._root / job_id / "scratch")

    def chunks(self, job_id: str) -> Path:
        """Results of finished chunks; the folder exists."""
        return _made(self._root / job_id / "chunks")

    def write_result(self, job_id: str, data: bytes) -> None:
        """Durable before it returns, and never seen half written."""
        write_whole(_made(self._root / job_id) / "result.json", data)

    def read_result(self, job_id: str) -> bytes:
        """JSON of the result; NotFound `job_result_missing`."""
        try:
            return (self._root / job_id / "result.json").read_bytes()
        except FileNotFoundError:
            message = f"The result of job {job_id} is not on this machine."
            raise NotFound("job_result_missing", message) from None

    def forget(self, job_id: str, *, keep_result: bool) -> None:
        """Delete what the job wrote; its result stays when asked for."""
        folder = self._root / job_id
        if keep_result and (folder / "result.json").exists():
            for part in ("scratch", "chunks"):
                shutil.rmtree(folder / part, ignore_errors=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write beside, flush to disk, rename: readers see all of it or the file before it."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder

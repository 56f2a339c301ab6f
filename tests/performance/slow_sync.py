"""A disk that takes its time: some machines acknowledge a sync from a volatile cache in 30 µs, and
durability seems free there. Preloaded into a server, this makes each sync cost what a disk's does.
"""

import shutil
import subprocess
from pathlib import Path

SOURCE = r"""
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static int synced(long call, int fd) {
    struct timespec pause = {0, SYNC_NS};
    nanosleep(&pause, 0);
    return syscall(call, fd);
}
int fsync(int fd) { return synced(SYS_fsync, fd); }
int fdatasync(int fd) { return synced(SYS_fdatasync, fd); }
"""


def slow_sync(folder: Path, sync_ms: float) -> dict[str, str] | None:
    """Environment of a server on such a disk; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / f"slow_sync_{sync_ms}.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-x", "c", f"-DSYNC_NS={int(sync_ms * 1e6)}L",
         "-o", str(library), "-"],
        input=SOURCE.encode(), check=True, timeout=60,
    )  # fmt: skip
    return {"LD_PRELOAD": str(library)}

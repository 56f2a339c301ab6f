"""Names of supervisors that tell whether their process still lives.

`place/pid/start/nonce`: place is a digest of host, boot and process namespace, start is the
kernel's start tick of the process, so a reused pid is not mistaken for the old one.
"""

import os
import socket
from hashlib import sha256
from pathlib import Path
from uuid import uuid4


def new_worker_id() -> str:
    """A name for a supervisor of this process, unique for ever."""
    pid = os.getpid()
    return f"{_place()}/{pid}/{_start_tick(pid)}/{uuid4().hex[:8]}"


def is_surely_gone(worker_id: str) -> bool:
    """True only when the process ran in this place and exists no more; False when in doubt."""
    place, pid, start, _ = worker_id.split("/")
    own_tick = _start_tick(os.getpid())
    if place != _place() or own_tick is None or start == "None":
        return False
    return str(_start_tick(int(pid))) != start


def _place() -> str:
    seen = [socket.gethostname()]
    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.exists():
        seen += [boot.read_text().strip(), str(Path("/proc/self/ns/pid").readlink())]
    return sha256(" ".join(seen).encode()).hexdigest()[:12]


def _start_tick(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    # A zombie runs nothing any more; its entry only waits for its parent.
    return None if fields[0] in ("Z", "X") else int(fields[19])

"""How much memory process groups hold of their own; files mapped by many are not counted."""

import os
from collections.abc import Set
from pathlib import Path

MEGABYTE = 1024 * 1024
_PROC = Path("/proc")


def held_mb_by_group(groups: Set[int]) -> dict[int, float]:
    """Resident anonymous memory per process group in MiB; empty where /proc does not exist.

    Anonymous = resident − shared pages of /proc/{pid}/statm, summed over the group's processes.
    """
    held: dict[int, float] = {}
    if not groups or not _PROC.is_dir():
        return held
    page_mb = os.sysconf("SC_PAGE_SIZE") / MEGABYTE
    for process in _PROC.iterdir():
        if not process.name.isdecimal():
            continue
        try:
            group = int((process / "stat").read_bytes().rpartition(b")")[2].split()[2])
            if group in groups:
                pages = (process / "statm").read_bytes().split()
                held[group] = held.get(group, 0.0) + (int(pages[1]) - int(pages[2])) * page_mb
        except (FileNotFoundError, ProcessLookupError):
            continue
    return held


def virtual_mb() -> float | None:
    """Address space of this process in MiB; None where /proc does not exist."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    except FileNotFoundError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE

"""Ties a child to the process it works for: one group to kill, and no life after its parent."""

import os
import signal
import threading
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import wait


def lead_group() -> None:
    """Become the leader of a process group that can be killed as a whole."""
    os.setpgid(0, 0)
    _die_with_parent(whole_group=True)


def join_group_of_parent() -> None:
    """Join the group of the process that asked for this one, so that it is killed with it."""
    parent = parent_process()
    if parent is not None and parent.pid is not None:
        # The parent may be gone or live in another session; its sentinel still ends this process.
        with suppress(ProcessLookupError, PermissionError):
            os.setpgid(0, os.getpgid(parent.pid))
    _die_with_parent(whole_group=False)


def kill_group(leader_pid: int) -> None:
    """SIGKILL to the leader and to all that joined it. The leader must not have been reaped."""
    for kill in (os.killpg, os.kill):
        try:
            kill(leader_pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _die_with_parent(*, whole_group: bool) -> None:
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        if whole_group:
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="ballast-orphan-watch", daemon=True).start()

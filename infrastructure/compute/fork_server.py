"""The one warm process that children are forked from: small, single-threaded, imports done.

It never sees the service's main module. `multiprocessing` would run that module again in every
child, which costs seconds for a web service and is of no use to functions named by dotted path.
"""

import multiprocessing
from collections.abc import Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

PRELOADED = ("infrastructure.compute.forked_without_main", "infrastructure.compute.child", "numpy")


def fork_context(preload: Sequence[str] = ()) -> ForkServerContext:
    """Context whose processes come from the server. The list counts until the server runs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, *preload])
    return context


def warm() -> None:
    """Start the server if it does not run yet; it imports while the service goes on."""
    forkserver.ensure_running()

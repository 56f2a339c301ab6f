"""Imported by the fork server alone: its children leave the service's main module out.

If a future `multiprocessing` prepares children otherwise, this has no effect but slower starts.
"""

from collections.abc import Callable, Mapping
from multiprocessing import spawn
from typing import Any

_MAIN = ("init_main_from_name", "init_main_from_path")
_prepare: Callable[[Mapping[str, Any]], None] = spawn.prepare


def _prepare_without_main(data: Mapping[str, Any]) -> None:
    _prepare({name: value for name, value in data.items() if name not in _MAIN})


spawn.prepare = _prepare_without_main

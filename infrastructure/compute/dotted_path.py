"""Functions named by dotted path, imported where and when they run."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from domain.shared.errors import Defect


def function_at(path: str) -> Callable[..., Any]:
    """The module-level function; Defect `function_not_found`. Imports its module."""
    module_name, _, name = path.rpartition(".")
    try:
        function = getattr(import_module(module_name), name, None)
    except ModuleNotFoundError as missing:
        if missing.name is None or not f"{module_name}.".startswith(f"{missing.name}."):
            raise
        function = None
    if not callable(function):
        raise Defect("function_not_found", f"No function at {path}.")
    found: Callable[..., Any] = function
    return found

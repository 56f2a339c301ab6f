"""An attribute made at its first use: `functools.cached_property` without the lock that Python
3.11 takes around it. A unit of work belongs to one thread, and is made anew for every command.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class made_once(Generic[T]):
    """Keeps the method's result in the instance, where it hides this descriptor."""

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._name = make.__name__

    def __get__(self, instance: object, owner: type) -> T:
        made = self._make(instance)
        instance.__dict__[self._name] = made
        return made

"""What a messaging adapter tells a health probe about the backend behind it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackendHealth:
    """`degraded` is true from a failed call until the next one that succeeds.

    `failures` counts failed calls since the start; `last_error` is the class name of the last
    one (never its text, which may hold an address), kept after recovery.
    """

    backend: str
    degraded: bool = False
    failures: int = 0
    last_error: str | None = None

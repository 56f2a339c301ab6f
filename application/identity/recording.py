"""Events of identity. They say who and what, never a secret, a hash or a mistyped user name."""

from collections.abc import Mapping

from application.ports.unit_of_work import UnitOfWork
from domain.shared.events import NewEvent, explained

USER = "user"
SESSION = "session"
API_TOKEN = "api_token"  # noqa: S105 - the name of an aggregate
LOGIN = "login"
UNKNOWN_USER = "login_of_unknown_user"


def record(
    work: UnitOfWork,
    event_type: str,
    aggregate: tuple[str, str],
    message: str,
    *,
    inputs: Mapping[str, object] | None = None,
    outputs: Mapping[str, object] | None = None,
) -> None:
    """Append one fact about `(aggregate type, id)`."""
    data = explained(message, inputs=inputs or {}, outputs=outputs or {})
    work.events.append([NewEvent(event_type, *aggregate, None, data, work.now)])

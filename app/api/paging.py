"""Cursor paging: opaque, signed, bound to the list it came from."""

import base64
import hmac
from hashlib import sha256
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query, Request, Response
from pydantic import Field

from app.api.wire import AnswerModel, ExactJsonResponse
from application.ports.repositories import Page
from domain.shared.errors import BadInput

ItemT = TypeVar("ItemT")
LIMIT_MAX = 500
SIGNATURE_BYTES = 12


class Listing(AnswerModel, Generic[ItemT]):
    """A page of a list; `next_cursor` is null on the last one, `total` comes with `count=exact`."""

    items: list[ItemT]
    next_cursor: str | None = None
    total: int | None = Field(default=None, description="Only with `count=exact`.")


def listed(items: list[Any], next_cursor: str | None, total: int | None = None) -> Response:
    """A `Listing` of documents that need no model of their own."""
    return ExactJsonResponse({"items": items, "next_cursor": next_cursor, "total": total})


class Cursors:
    """Signs positions in lists so that callers cannot make them up."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, scope: str, key: str) -> str:
        """Cursor after the row with this key."""
        payload = key.encode()
        return base64.urlsafe_b64encode(self._sign(scope, payload) + payload).decode().rstrip("=")

    def open(self, scope: str, cursor: str) -> str:
        """Key inside the cursor; BadInput `invalid_cursor` unless this list signed it."""
        try:
            raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
            mark, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
            if hmac.compare_digest(mark, self._sign(scope, payload)):
                return payload.decode()
        except ValueError:
            pass
        raise BadInput("invalid_cursor", "The cursor does not belong to this list.")

    def _sign(self, scope: str, payload: bytes) -> bytes:
        message = scope.encode() + b"\x00" + payload
        return hmac.new(self._secret, message, sha256).digest()[:SIGNATURE_BYTES]


REQUESTED_PATH = "ballast_requested_path"
"""Where the scope keeps the path a client sent when it was answered under another."""


def next_link(request: Request, **parameters: object) -> str:
    """`Link` to the page that follows, under the prefix the client uses."""
    query = request.url.include_query_params(**parameters).query
    return f'<{request.scope.get(REQUESTED_PATH, request.url.path)}?{query}>; rel="next"'


class PageQuery:
    """Dependency: `limit`, `cursor` and `count` of a list."""

    def __init__(
        self,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        cursor: Annotated[str | None, Query(max_length=512)] = None,
        count: Annotated[str | None, Query(pattern="^exact$")] = None,
    ) -> None:
        self.limit = limit
        self.wants_total = count == "exact"
        self._request = request
        self._scope = request.url.path.removeprefix("/api")
        self._cursors: Cursors = request.app.state.cursors
        self.after = None if cursor is None else self._cursors.open(self._scope, cursor)

    @property
    def page(self) -> Page:
        """One row more than asked for, which tells whether there is a next page."""
        return Page(limit=self.limit + 1, after=self.after)

    def cut(
        self, rows: list[tuple[str, ItemT]], response: Response
    ) -> tuple[list[ItemT], str | None]:
        """The page's items and the next cursor; sets `Link: rel="next"`."""
        items = [item for _, item in rows[: self.limit]]
        if len(rows) <= self.limit:
            return items, None
        following = self._cursors.seal(self._scope, rows[self.limit - 1][0])
        response.headers["Link"] = next_link(self._request, cursor=following)
        return items, following

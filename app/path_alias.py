"""Answers one prefix as another: `/v1/...` is `/api/v1/...` before anything looks at the path.

Registering every route twice would cost memory and time at each start; a request under the alias
has the same route, template, metrics and idempotency key as under the canonical prefix.
"""

from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.paging import REQUESTED_PATH


class PathAlias:
    """Rewrites paths under `alias` to `canonical`, except those in `own`, which are routes."""

    def __init__(self, app: ASGIApp, alias: str, canonical: str, own: Collection[str] = ()) -> None:
        self._app = app
        self._alias = f"{alias}/"
        self._canonical = f"{canonical}/"
        self._own = frozenset(own)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            self._rewrite(scope)
        await self._app(scope, receive, send)

    def _rewrite(self, scope: Scope) -> None:
        root = scope.get("root_path", "")
        path = scope["path"].removeprefix(root)
        if path.startswith(self._alias) and path not in self._own:
            scope[REQUESTED_PATH] = scope["path"]
            scope["path"] = f"{root}{self._canonical}{path[len(self._alias) :]}"

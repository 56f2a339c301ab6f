"""FastAPI with only those layers around an endpoint that have a purpose here.

The framework puts six layers around every request, for telemetry, body limits, server errors and
others; the request boundary does the needed ones already, and ten awaits cost as much as reading an
order. What remains: the entrance (boundary, guard, CORS), then a lean route at once, or the
framework's error handling and router for every other request.
"""

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.route_index import DirectWay, index_routes


class Service(FastAPI):
    """The application; its layers are made at the first request, when every route is there."""

    _entrance: Callable[[ASGIApp], ASGIApp]

    def enter_by(self, entrance: Callable[[ASGIApp], ASGIApp]) -> None:
        """Set the layers every request passes, the outermost applied last."""
        self._entrance = entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, socket or lifespan."""
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        if self.root_path:
            scope["root_path"] = self.root_path
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """The layers, outermost first."""
        handlers = {kind: one for kind, one in self.exception_handlers.items() if kind != 500}
        framework = ExceptionMiddleware(AsyncExitStackMiddleware(self.router), handlers=handlers)
        return self._entrance(DirectWay(index_routes(self), framework))

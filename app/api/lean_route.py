"""Runs an endpoint without the framework's general machinery where its parameters are plain.

FastAPI describes every route, in the document as in validation. Solving dependencies anew for each
request costs more than reading an order, and the hot routes ask for few and simple things: the
request, path texts, dependencies that take the request or a header, one JSON body. For those the
resolution is planned once. Any other parameter (query, forms, nested dependencies) leaves the route
to the framework.
"""

import inspect
from collections.abc import Awaitable, Callable, Collection
from typing import Annotated, Any, get_args, get_origin

from fastapi import Request, Response, params
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import answer_to
from domain.shared.errors import Fault

Resolve = Callable[[Request], Awaitable[Any]]
Take = Callable[[Request], Any]
OPTIONAL_TEXT = str | None


class _Plan:
    """How each parameter is had: at once, by awaiting a dependency, or from the body (last)."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Take]] = []
        self.awaited: list[tuple[str, Resolve]] = []
        self.body: tuple[str, type[BaseModel]] | None = None

    async def values(self, request: Request) -> dict[str, Any]:
        found = {name: take(request) for name, take in self.taken}
        for name, resolve in self.awaited:
            found[name] = await resolve(request)
        if self.body is not None:
            name, model = self.body
            found[name] = await _validated(request, model)
        return found


def lean_app(
    endpoint: Callable[..., Any],
    path_names: Collection[str],
    admit: Callable[[Scope, Receive], Request],
) -> ASGIApp | None:
    """The endpoint as an ASGI application, or None when a parameter is not plain.

    `admit` makes the request, or raises when its framing is not acceptable.
    """
    plan = _planned(endpoint, path_names)
    if plan is None:
        return None

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = admit(scope, receive)
            response = await endpoint(**await plan.values(request))
        except (Fault, HTTPException, RequestValidationError) as refused:
            response = answer_to(refused, Request(scope))
        await response(scope, receive, send)

    return run


def _planned(endpoint: Callable[..., Any], path_names: Collection[str]) -> _Plan | None:
    plan = _Plan()
    for name, parameter in inspect.signature(endpoint).parameters.items():
        annotation = parameter.annotation
        if annotation is Request:
            plan.taken.append((name, _itself))
        elif annotation is Response:
            plan.taken.append((name, _fresh_response))
        elif name in path_names and annotation is str:
            plan.taken.append((name, _path_text(name)))
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if plan.body is not None or parameter.default is not inspect.Parameter.empty:
                return None
            plan.body = (name, annotation)
        else:
            resolve = _dependency(annotation)
            if resolve is None:
                return None
            plan.awaited.append((name, resolve))
    return plan


def _dependency(annotation: object) -> Resolve | None:
    marker = _marker(annotation, params.Depends)
    dependency = getattr(marker, "dependency", None)
    if dependency is None or inspect.isclass(dependency):
        return None
    arguments: dict[str, Take] = {}
    for name, parameter in inspect.signature(dependency).parameters.items():
        header = _marker(parameter.annotation, params.Header)
        if parameter.annotation is Request:
            arguments[name] = _itself
        elif header is not None and get_args(parameter.annotation)[0] == OPTIONAL_TEXT:
            arguments[name] = _header(getattr(header, "alias", None) or name.replace("_", "-"))
        else:
            return None
    if list(arguments.values()) == [_itself]:
        return dependency  # type: ignore[no-any-return]

    async def resolve(request: Request) -> Any:
        return await dependency(**{name: take(request) for name, take in arguments.items()})

    return resolve


def _marker(annotation: object, kind: type) -> object | None:
    if get_origin(annotation) is not Annotated:
        return None
    return next((item for item in get_args(annotation)[1:] if isinstance(item, kind)), None)


async def _validated(request: Request, model: type[BaseModel]) -> BaseModel:
    if not await request.body():
        missing = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}
        raise RequestValidationError([missing])
    try:
        return model.model_validate(await request.json())
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise RequestValidationError(
            [{**fault, "loc": ("body", *fault["loc"])} for fault in faults],
            body=await request.json(),
        ) from None


def _itself(request: Request) -> Request:
    return request


def _fresh_response(_request: Request) -> Response:
    """Carries headers only; its own length would contradict the body that is sent."""
    response = Response()
    del response.headers["content-length"]
    return response


def _path_text(name: str) -> Take:
    def take(request: Request) -> str:
        text: str = request.scope["path_params"][name]
        return text

    return take


def _header(name: str) -> Take:
    wanted = name.lower().encode()

    def take(request: Request) -> str | None:
        for key, value in request.scope["headers"]:
            if key == wanted:
                text: str = value.decode("latin-1")
                return text
        return None

    return take

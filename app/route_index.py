"""Finds the route of a request by walking its path once, instead of trying every route in turn.

The framework matches routes one after the other, and a route of an included router twice; with a
few hundred routes that costs more than the whole rest of a small request. Routes are therefore put
into a tree of path segments. What the tree does not hold (mounts, sockets, `path` parameters,
unknown paths, wrong methods) goes the framework's own way, so its answers stay its own.
"""

from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

_FOUND = "ballast_leaf"


@dataclass(slots=True)
class Leaf:
    """One route; a lean one needs nothing of the framework to run."""

    order: int
    methods: frozenset[str]
    pattern: Any
    convertors: dict[str, Any]
    endpoint: Any
    route: APIRoute
    context: Any
    app: ASGIApp
    is_lean: bool


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    leaves: list[Leaf] = field(default_factory=list)


class RouteIndex:
    """Takes the router's place in the application; the first registered match still wins."""

    def __init__(self, app: FastAPI) -> None:
        self._router = app.router
        self._fallback = app.router.middleware_stack
        self._root = _Node()
        self.size = 0
        for order, context in enumerate(iter_route_contexts(app.routes)):
            leaf = _leaf(order, context)
            if leaf is not None:
                self._insert(str(context.path), leaf)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaf = scope.pop(_FOUND, None) or self.find(scope)
        if leaf is None:
            await self._fallback(scope, receive, send)
        else:
            self.enter(leaf, scope)
            await leaf.app(scope, receive, send)

    def enter(self, leaf: Leaf, scope: Scope) -> None:
        """Leave in the scope what the framework leaves when a route has matched."""
        scope["router"] = self._router
        scope["route"] = leaf.route
        scope["endpoint"] = leaf.endpoint
        if leaf.context is not None:
            scope.setdefault("fastapi", {})["effective_route_context"] = leaf.context

    def _insert(self, template: str, leaf: Leaf) -> None:
        node = self._root
        for segment in template.split("/"):
            if "{" in segment:
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        node.leaves.append(leaf)
        self.size += 1

    def find(self, scope: Scope) -> Leaf | None:
        """The route that takes the request, its path parameters left in the scope."""
        if scope["type"] != "http":
            return None
        path: str = scope["path"]
        root_path = scope.get("root_path")
        if root_path:
            path = path.removeprefix(root_path)
        nodes = [self._root]
        for segment in path.split("/"):
            following: list[_Node] = []
            for node in nodes:
                literal = node.literals.get(segment)
                if literal is not None:
                    following.append(literal)
                if node.parameter is not None and segment:
                    following.append(node.parameter)
            if not following:
                return None
            nodes = following
        return _first_match(nodes, scope, path)


def _first_match(nodes: list[_Node], scope: Scope, path: str) -> Leaf | None:
    leaves = nodes[0].leaves
    if len(nodes) > 1:
        leaves = sorted((leaf for node in nodes for leaf in node.leaves), key=lambda e: e.order)
    for leaf in leaves:
        if scope["method"] in leaf.methods:
            found = leaf.pattern.match(path)
            if found is not None:
                convertors = leaf.convertors
                scope["path_params"] = {
                    name: convertors[name].convert(text) for name, text in found.groupdict().items()
                }
                return leaf
    return None


def _leaf(order: int, context: RouteContext) -> Leaf | None:
    route, path = context.original_route, context.path
    if not isinstance(route, APIRoute) or path is None or ":path}" in path:
        return None
    included = getattr(context, "_route_context", None)
    app = route.app if included is None else getattr(included, "app", None)
    lean = getattr(route, "lean_app", None)
    app = lean or app
    if app is None:
        return None
    return Leaf(
        order,
        frozenset(context.methods or ()),
        context.path_regex,
        context.param_convertors,
        context.endpoint,
        route,
        included,
        app,
        lean is not None,
    )


class DirectWay:
    """Hands a request for a lean route to it at once; the framework's layers serve the others."""

    def __init__(self, index: RouteIndex, framework: ASGIApp) -> None:
        self._index = index
        self._framework = framework

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaf = self._index.find(scope)
        if leaf is not None and leaf.is_lean:
            self._index.enter(leaf, scope)
            await leaf.app(scope, receive, send)
            return
        scope[_FOUND] = leaf
        await self._framework(scope, receive, send)


def index_routes(app: FastAPI) -> RouteIndex:
    """Index the application's routes; call it after the last router was included."""
    index = RouteIndex(app)
    app.router.middleware_stack = index
    return index

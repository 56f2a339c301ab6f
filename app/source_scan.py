"""Reads error codes and event types out of the source, so their reference pages cannot go stale."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.api.problems import STATUS

ROOT = Path(__file__).parent.parent
PACKAGES = ("domain", "application", "infrastructure", "app")

_FAULTS = {kind.__name__: status for kind, status in STATUS.items()}
_UNSTATED = {"Fault": 0, "Ambiguous": 0}
_CODED_HTTP_ERROR = "CodedHttpError"
_EVENT = "NewEvent"
_KEYWORD_ONLY = 1000


@dataclass(frozen=True, slots=True)
class FoundCode:
    """One place that raises a code; status 0 where the place decides by itself."""

    code: str
    status: int
    message: str
    module: str


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """One place that appends an event type."""

    type: str
    module: str


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """A function that passes one of its parameters on as an event's type."""

    position: int
    keyword: str


Function = ast.FunctionDef | ast.AsyncFunctionDef
Wrappers = dict[str, set[_Wrapper]]


def error_codes(root: Path = ROOT) -> list[FoundCode]:
    """Every fault made with a literal code, by code and module."""
    found = {
        code
        for module, tree in _modules(root)
        for call in _calls(tree)
        if (code := _coded(call, module)) is not None
    }
    return sorted(found, key=lambda c: (c.code, c.module, c.status, c.message))


def event_types(root: Path = ROOT) -> list[FoundEvent]:
    """Every event type that is written as a literal, by type and module."""
    modules = list(_modules(root))
    wrappers = _wrappers([tree for _, tree in modules])
    found = {
        FoundEvent(kind, module)
        for module, tree in modules
        for function in _functions(tree)
        for call in _calls(function)
        for kind in _types_of(call, function, tree, wrappers)
    }
    return sorted(found, key=lambda e: (e.type, e.module))


def _modules(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            module = ".".join(file.relative_to(root).with_suffix("").parts)
            yield module, ast.parse(file.read_text(encoding="utf-8"))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def _name(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _coded(call: ast.Call, module: str) -> FoundCode | None:
    name = _name(call)
    arguments = call.args
    status = {**_FAULTS, **_UNSTATED}.get(name)
    if name == _CODED_HTTP_ERROR and arguments and isinstance(arguments[0], ast.Constant):
        status, arguments = int(str(arguments[0].value)), arguments[1:]
    if status is None or not arguments:
        return None
    code = arguments[0]
    if not isinstance(code, ast.Constant) or not isinstance(code.value, str):
        return None
    message = _text(arguments[1]) if len(arguments) > 1 else ""
    return FoundCode(code.value, status, message, module)


def _text(node: ast.expr) -> str:
    """A message, with an ellipsis where a value is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(part) if isinstance(part, ast.Constant) else "…" for part in node.values
        )
    return "…"


def _wrappers(trees: list[ast.Module]) -> Wrappers:
    known: Wrappers = {_EVENT: {_Wrapper(0, "type")}}
    size = 0
    while size != sum(map(len, known.values())):
        size = sum(map(len, known.values()))
        for tree in trees:
            for function in _functions(tree):
                found = _as_wrappers(function, known)
                if found:
                    known.setdefault(function.name, set()).update(found)
    return known


def _as_wrappers(function: Function, known: Wrappers) -> set[_Wrapper]:
    positional = [argument.arg for argument in function.args.args]
    names = [*positional, *(argument.arg for argument in function.args.kwonlyargs)]
    offset = 1 if names and names[0] in ("self", "cls") else 0
    passed = (node for call in _calls(function) for node in _arguments(call, known))
    return {
        _Wrapper(
            positional.index(name.id) - offset if name.id in positional else _KEYWORD_ONLY, name.id
        )
        for node in passed
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and name.id in names and not _is_looked_into(node, name)
    }


def _is_looked_into(node: ast.expr, name: ast.Name) -> bool:
    """True for `x` in `TABLE[x.state]` and the like: the value is not the parameter itself."""
    inner = (n for n in ast.walk(node) if isinstance(n, (ast.Subscript, ast.Attribute, ast.Call)))
    return any(name in ast.walk(n) for n in inner)


def _arguments(call: ast.Call, known: Wrappers) -> list[ast.expr]:
    found: list[ast.expr] = []
    for wrapper in known.get(_name(call), ()):
        named = [keyword.value for keyword in call.keywords if keyword.arg == wrapper.keyword]
        found += named or call.args[wrapper.position :][:1]
    return found


def _types_of(call: ast.Call, function: Function, tree: ast.AST, known: Wrappers) -> set[str]:
    assigned = _assigned(function)
    return {
        text
        for passed in _arguments(call, known)
        for value in _values(passed, assigned, frozenset())
        for text in _literals(value, tree)
    }


def _values(
    node: ast.expr, assigned: dict[str, list[ast.expr]], seen: frozenset[str]
) -> Iterator[ast.expr]:
    """What the expression can be, through the names it is handed on by."""
    if not isinstance(node, ast.Name):
        yield node
    elif node.id not in seen:
        for value in assigned.get(node.id, ()):
            yield from _values(value, assigned, seen | {node.id})


def _assigned(function: ast.AST) -> dict[str, list[ast.expr]]:
    """Names with what they are set to, what they run over, and what is put into them."""
    values: dict[str, list[ast.expr]] = defaultdict(list)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    values[target.id].append(node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            values[node.target.id].append(node.value)
        elif isinstance(node, (ast.For, ast.comprehension)) and isinstance(node.target, ast.Name):
            values[node.target.id].append(node.iter)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            into = node.func.value
            if isinstance(into, ast.Name) and node.func.attr in ("append", "extend"):
                values[into.id] += node.args
    return values


def _literals(node: ast.expr, tree: ast.AST) -> set[str]:
    """Texts the expression can be; a lookup in a table of the module can be each of its values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _literals(node.body, tree) | _literals(node.orelse, tree)
    if isinstance(node, ast.BoolOp):
        return {text for value in node.values for text in _literals(value, tree)}
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return {text for item in node.elts for text in _literals(item, tree)}
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return _literals(node.elt, tree)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        tables = _assigned(tree)[node.value.id]
        rows = (row for table in tables if isinstance(table, ast.Dict) for row in table.values)
        return {text for row in rows for text in _literals(row, tree)}
    return set()

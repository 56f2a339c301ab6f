"""The published document: what the routes declare, completed once for all of them.

Added here, because it follows from a route's shape and would be repeated on each: the problem
schema, shared answers of the common refusals, codes that headers and bodies imply, the answer of
a replay, and an example for every body.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.api.examples import example_of, with_nulls
from app.api.problems import PROBLEM_JSON, Problem
from app.api.routing import COMMON_CODES, problem_example, refusal_answer

JSON = "application/json"
Document = dict[str, Any]
_COMPONENTS = "#/components/"

EVERYWHERE: dict[int, tuple[str, ...]] = {
    421: ("misdirected_request",),
    500: ("internal_error",),
}
WITH_BODY: dict[int, tuple[str, ...]] = {
    413: ("body_too_large",),
    415: ("unsupported_media_type",),
}
_BY_PARAMETER = {
    ("header", "idempotency-key"): (
        (400, "invalid_idempotency_key"),
        (409, "idempotency_signature_mismatch"),
        (409, "request_in_progress"),
    ),
    ("header", "if-match"): ((400, "invalid_if_match"),),
    ("query", "cursor"): ((400, "invalid_cursor"),),
}
_GUARDS = {
    "idempotency-key": ("^[!-~]{1,128}$", "400", "missing_idempotency_key"),
    "if-match": ('^(?:W/)?"[0-9]{1,18}(-[0-9a-f]{16})?"$', "428", "precondition_required"),
}
"""Form of a header that guards a change, and the refusal of a route that cannot do without it."""

_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what you have; 304 when that is what would be answered.",
    "schema": {"type": "string"},
}


def install_openapi(app: FastAPI) -> None:
    """Let `/openapi.json` answer the completed document; it is made when first asked for."""

    def document() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = completed(
                get_openapi(title=app.title, version=app.version, routes=app.routes)
            )
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation, in the order of the document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def codes_of(answer: dict[str, Any], document: Document) -> list[str]:
    """Problem codes that an answer declares, shared or its own."""
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return list(answer.get("content", {}).get(PROBLEM_JSON, {}).get("examples", {}))


def completed(document: Document) -> Document:
    """The document with everything that follows from the shape of its operations."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template=f"{_COMPONENTS}schemas/{{model}}")
    schemas.update(problem.pop("$defs"))
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = problem
    for schema in schemas.values():
        if schema.get("examples") and "properties" in schema:
            schema["examples"] = [with_nulls(e, schema, schemas) for e in schema["examples"]]
    for _, _, operation in operations(document):
        _drop_frameworks_own_refusal(operation)
        _declare_implied(operation)
        _show_examples(operation, schemas)
        for parameter in operation.get("parameters", ()):
            _say_what_a_text_can_say(parameter)
    components["examples"] = _problem_examples(document)
    _share_refusals(document)
    _drop_titles(schemas)
    return document


def _drop_frameworks_own_refusal(operation: dict[str, Any]) -> None:
    """What the framework adds where a route answers faults of its schema with another status."""
    answer = operation["responses"].get("422", {})
    if JSON in answer.get("content", {}) and PROBLEM_JSON not in answer["content"]:
        del operation["responses"]["422"]


def _declare_implied(operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    implied = [(status, code) for status, codes in EVERYWHERE.items() for code in codes]
    if "requestBody" in operation:
        implied += [(status, code) for status, codes in WITH_BODY.items() for code in codes]
    for parameter in operation.get("parameters", ()):
        name = parameter["name"].lower()
        implied += _BY_PARAMETER.get((parameter["in"], name), ())
        if name in _GUARDS:
            _declare_guard(parameter, _GUARDS[name], answers)
        if name == "idempotency-key" and "200" not in answers:
            _declare_replay(answers)
    if "304" in answers:
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
    for status, code in implied:
        answer = answers.get(str(status))
        known = [] if answer is None else list(answer["content"][PROBLEM_JSON]["examples"])
        if code not in known:
            answers[str(status)] = refusal_answer(*known, code)
    operation["responses"] = dict(sorted(answers.items()))


def _declare_guard(
    parameter: dict[str, Any], guard: tuple[str, str, str], answers: dict[str, Any]
) -> None:
    pattern, status, code = guard
    parameter["schema"] = {"type": "string", "pattern": pattern}
    parameter["required"] = code in codes_of(answers.get(status, {}), {})


def _declare_replay(answers: dict[str, Any]) -> None:
    first = next((answers[status] for status in ("201", "202") if status in answers), None)
    if first is not None:
        answers["200"] = {
            "description": "A replay: the stored answer, with `Idempotency-Replayed: true`.",
            "content": {
                kind: {"schema": media["schema"]} for kind, media in first["content"].items()
            },
        }


def _show_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    bodies = [operation.get("requestBody", {})]
    bodies += [
        answer for status, answer in operation["responses"].items() if status.startswith("2")
    ]
    for body in bodies:
        for kind, media in body.get("content", {}).items():
            if "schema" in media and not media.keys() & {"example", "examples"}:
                media["example"] = (
                    example_of(media["schema"], schemas)
                    if media["schema"].get("type") != "string"
                    else _TEXT_EXAMPLES.get(kind, "")
                )


_TEXT_EXAMPLES = {
    "text/plain": "ballast_requests_in_flight 1.0\n",
    "text/event-stream": 'id: 128\nevent: order_filled\ndata: {"seq": 128}\n\n',
    "text/csv": "id,ts,action\n",
}


def _share_refusals(document: Document) -> None:
    """Move refusals that several operations answer into the components, named by their codes."""
    used: Counter[str] = Counter()
    shared: dict[str, Any] = {}
    for _, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            if PROBLEM_JSON in answer.get("content", {}):
                used[_shared_name(int(status), codes_of(answer, document))] += 1
    for _, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            if PROBLEM_JSON not in answer.get("content", {}):
                continue
            name = _shared_name(int(status), codes_of(answer, document))
            if used[name] > 1:
                shared[name] = answer
                operation["responses"][status] = {"$ref": f"{_COMPONENTS}responses/{name}"}
    document["components"]["responses"] = dict(sorted(shared.items()))


def _shared_name(status: int, codes: list[str]) -> str:
    common = {**COMMON_CODES, **EVERYWHERE, **WITH_BODY}.get(status, ())
    return ".".join((f"Refused{status}", *(code for code in codes if code not in common)))


def _say_what_a_text_can_say(parameter: dict[str, Any]) -> None:
    """A parameter is absent or a text, never null; its title only repeats its name."""
    schema = parameter["schema"]
    schema.pop("title", None)
    choices = [c for c in schema.get("anyOf", ()) if c.get("type") != "null"]
    if len(choices) == 1:
        del schema["anyOf"]
        parameter["schema"] = {**choices[0], **schema}


def _drop_titles(schema: Any) -> None:
    """Titles of fields only repeat their names."""
    if isinstance(schema, dict):
        for field in schema.get("properties", {}).values():
            field.pop("title", None)
        for part in schema.values():
            _drop_titles(part)
    elif isinstance(schema, list):
        for part in schema:
            _drop_titles(part)


def _problem_examples(document: Document) -> dict[str, Any]:
    declared = {
        code: int(status)
        for _, _, operation in operations(document)
        for status, answer in operation["responses"].items()
        for code in codes_of(answer, document)
    }
    return {
        code: {"value": problem_example(status, code)} for code, status in sorted(declared.items())
    }

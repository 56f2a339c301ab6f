"""Tells whether an answer is one its operation declares; paths of no operation are nobody's business."""

import re
from typing import Any

from app.openapi_document import codes_of, operations

PREFIX = "/api/v1"
ALIAS = re.compile(r"^/v1(?!/healthz)")
OF_NO_OPERATION = {"route_not_found", "method_not_allowed"}


class DeclaredAnswers:
    """Operations of a document, findable by method and path."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        found = [
            (path.count("{"), re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), method, operation)
            for path, method, operation in operations(document)
        ]
        self._operations = sorted(found, key=lambda each: each[0])

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation that answers the path; literal paths win."""
        path = ALIAS.sub(PREFIX, path)
        for _, pattern, verb, operation in self._operations:
            if verb == method.lower() and pattern.fullmatch(path):
                return operation
        return None

    def undeclared(self, method: str, path: str, status: int, code: str | None) -> str | None:
        """What is missing from the document, None when the answer is declared."""
        operation = self.operation(method, path)
        if operation is None or code in OF_NO_OPERATION:
            return None
        name = operation["operationId"]
        answer = operation["responses"].get(str(status))
        if answer is None:
            return f"{name} does not declare {status} {code or ''}".strip()
        if code is not None and code not in codes_of(answer, self._document):
            return f"{name} does not declare {status} {code}"
        return None

"""Interactive documentation that works offline: Swagger UI and ReDoc from the service's own files.

No page has an inline script, so the content policy allows scripts from the service alone.
"""

import os
from html import escape
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.openapi_document import codes_of

STATIC = Path(__file__).parent / "static"
ASSETS_PATH = "/static"
OPENAPI_PATH = "/openapi.json"

DOCS_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}/static/docs/page.css">
{head}
</head>
<body>
{body}
</body>
</html>
"""
_SWAGGER_HEAD = '<link rel="stylesheet" href="{root}/static/docs/swagger-ui.css">'
_SWAGGER_BODY = """<div id="swagger-ui" data-spec="{root}/openapi.json"></div>
<script src="{root}/static/docs/swagger-ui-bundle.js"></script>
<script src="{root}/static/docs/swagger-init.js"></script>"""
_REDOC_BODY = """<div id="redoc" data-spec="{root}/openapi.json"></div>
<script src="{root}/static/docs/redoc.standalone.js"></script>
<script src="{root}/static/docs/redoc-init.js"></script>"""


class _CachedFiles(StaticFiles):
    """Files that browsers may keep for a day: they change with a release only."""

    def file_response(
        self,
        full_path: "str | os.PathLike[str]",
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "public, max-age=86400"
        return response


def install_docs(app: FastAPI) -> None:
    """Serve /docs, /docs/errors, /redoc and assets; make the app with docs_url=redoc_url=None."""
    title = escape(app.title)

    async def swagger(request: Request) -> Response:
        return _page(request, f"{title}: try the API", _SWAGGER_HEAD, _SWAGGER_BODY)

    async def redoc(request: Request) -> Response:
        return _page(request, f"{title}: API reference", "", _REDOC_BODY)

    async def errors(request: Request) -> Response:
        return _page(request, f"{title}: error codes", "", _codes_table(request.app.openapi()))

    for path, page in (("/docs", swagger), ("/docs/errors", errors), ("/redoc", redoc)):
        app.add_route(path, page, methods=["GET"], include_in_schema=False)
    app.mount(ASSETS_PATH, _CachedFiles(directory=STATIC), name="static")


def _page(request: Request, title: str, head: str, body: str) -> Response:
    root = escape(request.scope.get("root_path", "").rstrip("/"))
    text = _PAGE.format(
        title=title, root=root, head=head.replace("{root}", root), body=body.replace("{root}", root)
    )
    return HTMLResponse(text, headers={"Content-Security-Policy": DOCS_POLICY})


def declared_codes(openapi: dict[str, Any]) -> dict[str, tuple[int, list[str]]]:
    """Status and operations by error code, as the routes declare them."""
    found: dict[str, tuple[int, list[str]]] = {}
    for methods in openapi.get("paths", {}).values():
        for operation in methods.values():
            name = operation.get("operationId", "")
            for status, answer in operation.get("responses", {}).items():
                for code in codes_of(answer, openapi):
                    found.setdefault(code, (int(status), []))[1].append(name)
    return dict(sorted(found.items()))


def _codes_table(openapi: dict[str, Any]) -> str:
    rows = "\n".join(
        f'<tr id="{escape(code)}"><td><code>{escape(code)}</code></td><td>{status}</td>'
        f"<td>{escape(_operations(names))}</td></tr>"
        for code, (status, names) in declared_codes(openapi).items()
    )
    return (
        '<main class="codes"><h1>Error codes</h1><p>The <code>code</code> of a problem and '
        "where it can occur.</p><table><thead><tr><th>code</th><th>status</th>"
        f"<th>operations</th></tr></thead><tbody>\n{rows}\n</tbody></table></main>"
    )


def _operations(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{len(names)} operations"

"""The documentation pages work offline and under a policy without inline scripts."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.routing import refusals
from app.docs_assets import DOCS_POLICY, STATIC, install_docs


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI(title="Ballast <b>", docs_url=None, redoc_url=None)

    @app.get("/x", operation_id="get_x", responses=refusals("404 thing_not_found"))
    async def get_x() -> dict[str, int]:
        return {}

    install_docs(app)
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/errors"])
def test_a_page_loads_nothing_from_elsewhere_and_has_no_inline_script(
    client: TestClient, path: str
) -> None:
    page = client.get(path)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"] == DOCS_POLICY
    assert "unsafe-inline" not in DOCS_POLICY.split("style-src")[0]
    assert not re.search(r"(src|href)=\"(https?:)?//", page.text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
    assert not re.search(r"\son\w+=", page.text)
    assert "<b>" not in page.text


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/errors"])
def test_every_asset_of_a_page_is_served_by_the_service(client: TestClient, path: str) -> None:
    text = client.get(path).text
    assets = re.findall(r'(?:src|href)="(/[^"]+)"', text)
    assert assets
    for asset in assets:
        answer = client.get(asset)
        assert answer.status_code == 200, asset
        assert answer.headers["cache-control"] == "public, max-age=86400"
        again = client.get(asset, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


def test_the_pages_read_the_schema_of_the_service(client: TestClient) -> None:
    for path in ("/docs", "/redoc"):
        (spec,) = re.findall(r'data-spec="([^"]+)"', client.get(path).text)
        assert client.get(spec).json()["openapi"].startswith("3.")


def test_a_prefix_of_a_proxy_is_kept(client: TestClient) -> None:
    behind = TestClient(client.app, root_path="/ballast")
    page = behind.get("/docs")
    assert 'data-spec="/ballast/openapi.json"' in page.text
    assert 'src="/ballast/static/docs/swagger-ui-bundle.js"' in page.text


def test_the_type_of_a_problem_leads_to_its_code(client: TestClient) -> None:
    page = client.get("/docs/errors").text
    assert '<tr id="thing_not_found">' in page and "get_x" in page


def test_the_pages_themselves_are_not_in_the_schema(client: TestClient) -> None:
    assert set(client.get("/openapi.json").json()["paths"]) == {"/x"}


def test_the_files_outside_the_folder_are_not_served(client: TestClient) -> None:
    for path in ("/static/../cli.py", "/static/%2e%2e/cli.py", "/static/docs/../../cli.py"):
        assert client.get(path).status_code == 404


def test_each_library_has_its_licence_beside_it() -> None:
    licences = {file.name for file in (STATIC / "docs" / "licences").iterdir()}
    assert {"swagger-ui-LICENSE.txt", "swagger-ui-NOTICE.txt", "redoc-LICENSE.txt"} <= licences
    shipped = sum(f.stat().st_size for f in STATIC.rglob("*") if f.is_file())
    assert shipped < 4 * 1024 * 1024

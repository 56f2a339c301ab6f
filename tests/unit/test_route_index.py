"""The index finds the route the framework would find, and leaves everything else to it."""

from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from app.route_index import index_routes


def _app() -> FastAPI:
    app = FastAPI(redirect_slashes=False)
    inner = APIRouter(prefix="/things")

    @inner.get("/special")
    async def special() -> str:
        return "special"

    @inner.get("/{thing_id}")
    async def one(thing_id: str) -> str:
        return f"one {thing_id}"

    @inner.get("/late")
    async def late() -> str:
        return "shadowed by {thing_id}"

    @inner.post("/{thing_id}")
    async def change(thing_id: str) -> str:
        return f"change {thing_id}"

    @inner.get("/{thing_id}/parts/{part}")
    async def part(thing_id: str, part: int) -> str:
        return f"part {thing_id} {part}"

    @inner.get("/files/{rest:path}")
    async def file(rest: str) -> str:
        return f"file {rest}"

    @inner.get("/numbered/{number:int}")
    async def numbered(number: int) -> str:
        return f"number {number}"

    outer = APIRouter()
    outer.include_router(inner)
    app.include_router(outer, prefix="/api/v1")
    app.include_router(outer, prefix="/v1", include_in_schema=False)
    app.mount("/static", PlainTextResponse("mounted"))
    return app


PATHS = [
    "/api/v1/things/special", "/v1/things/special", "/v1/things/a", "/v1/things/late",
    "/api/v1/things/a/parts/3", "/api/v1/things/a/parts/x", "/v1/things/files/a/b/c",
    "/v1/things/numbered/5", "/v1/things/numbered/x", "/v1/things/", "/v1/things", "/things/a",
    "/v1/things/a%20b", "/v1/things/a%2Fb", "/static/x", "/", "//", "/v1//a",
]  # fmt: skip


def test_every_path_is_answered_as_without_the_index() -> None:
    plain, indexed = _app(), _app()
    assert index_routes(indexed).size == 12
    with TestClient(plain) as left, TestClient(indexed) as right:
        for path in PATHS:
            for method in ("GET", "POST", "DELETE"):
                wanted, got = left.request(method, path), right.request(method, path)
                assert (got.status_code, got.text) == (wanted.status_code, wanted.text), path


def test_a_route_added_later_is_still_found() -> None:
    app = _app()
    index_routes(app)

    @app.get("/later")
    async def later() -> str:
        return "later"

    with TestClient(app) as client:
        assert client.get("/later").json() == "later"


def test_a_prefix_of_a_proxy_is_taken_off() -> None:
    app = _app()
    index_routes(app)
    with TestClient(app, root_path="/ballast") as client:
        assert client.get("/v1/things/a").json() == "one a"

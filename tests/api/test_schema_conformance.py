"""Schemathesis over the whole schema: whatever is sent, the answer is one the document declares.

Every operation gets its examples, boundary values and generated requests, valid and invalid; ids
in paths are those of a seeded book every other time. The slow round runs only where it is named:
`pytest tests/api/test_schema_conformance.py -m slow`.
"""

import shutil
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.python.asgi import HOST, get_client, shutdown_lifespans

from app.api.problems import PROBLEM_JSON
from app.main import create_app
from app.settings import Settings
from infrastructure.market_data.calendar_tables import FOLDER
from tests.support.declared_answers import DeclaredAnswers
from tests.support.market import calendar_folder

UNLIMITED = 1_000_000_000
STREAMS = ["stream_events", "stream_job"]
"""Endless answers: tests of their own read them."""
EXAMPLES = 8
EXAMPLES_SLOW = 150
QUIET = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)

# A refusal by a rule of the book, or by a format finer than the schema, is a fair answer to valid data.
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"no-shrink": True},
        "checks": {
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "304", "400", "401", "403", "404", "409", "412", "422", "423", "428", "429", "503"],
            },
            "negative_data_rejection": {
                "expected-statuses": ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "423", "428", "429"],
            },
            "missing_required_header": {"expected-statuses": ["400", "401", "403", "422", "428"]},
        },
        # A symbol can be called OPEN: `/positions/{symbol}` answers there too, and `Allow` says so.
        "operations": [
            {
                "include-operation-id": ["open_desktop_position", "update_desktop_position"],
                "checks": {"allow_header_conformance": {"enabled": False}},
            }
        ],
    }
)  # fmt: skip


class SeededService:
    """The application with authentication on, and the ids of one of each thing."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(calendar_folder() / FOLDER, folder / FOLDER)
        self.app = create_app(
            Settings(
                data_dir=folder, session_tables=False, allowed_hosts=("127.0.0.1", HOST),
                rate_read_per_minute=UNLIMITED, rate_write_per_minute=UNLIMITED,
                rate_orders_per_minute=UNLIMITED, rate_compute_per_minute=UNLIMITED,
                rate_auth_per_15_minutes=UNLIMITED,
            )
        )  # fmt: skip

    def fill(self, folder: Path, client: Any) -> None:
        """Create what the ids name, as the owner."""
        self.client = client
        token = (folder / "owner.token").read_text().strip()
        self.headers = {"Authorization": f"Bearer {token}"}
        self.ids = self._seed()

    def _seed(self) -> dict[str, str]:
        day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
        position = self._post("/positions", {"ticker": "ZIM", "cash": 10000})["id"]
        order = self._post(f"/positions/{position}/orders", {"side": "BUY", "qty": 100})["order_id"]
        self._post(f"/orders/{order}/fill", {"price": 15, "filled_qty": 60})
        return {
            "position_id": position,
            "order_id": order,
            "account_id": self._get("/accounts")["items"][0]["id"],
            "dividend_id": self._post(
                "/dividends", {"ticker": "ZIM", "ex_date": day, "dps": 0.4, "pay_date": day}
            )["id"],
            "split_id": self._post("/splits", {"ticker": "ZIM", "ratio": 2, "ex_date": day})["id"],
            "instrument_id": "ZIM",
            "user_id": self._post("/users", {"username": "ada", "role": "viewer"})["id"],
        }

    def _post(self, path: str, body: object) -> Any:
        headers = {**self.headers, "Idempotency-Key": f"seed{path}"}
        return self._answer(self.client.post(self._url(path), json=body, headers=headers))

    def _get(self, path: str) -> Any:
        return self._answer(self.client.get(self._url(path), headers=self.headers))

    @staticmethod
    def _url(path: str) -> str:
        return f"http://{HOST}/api/v1{path}"

    @staticmethod
    def _answer(answer: requests.Response) -> Any:
        assert answer.ok, answer.text
        return answer.json()


class LateApp:
    """The schema is read while tests are collected; the service starts with the first of them."""

    service: SeededService | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.service is not None
        await self.service.app(scope, receive, send)


LATE = LateApp()


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeededService]:
    folder = tmp_path_factory.mktemp("schema")
    LATE.service = SeededService(folder)
    with get_client(LATE) as client:
        LATE.service.fill(folder, client)
        yield LATE.service
    shutdown_lifespans()


DOCUMENT = create_app(Settings(session_tables=False)).openapi()
ANSWERS = DeclaredAnswers(DOCUMENT)


def _schema() -> schemathesis.BaseSchema:
    schema = schemathesis.openapi.from_dict(deepcopy(DOCUMENT), config=CONFIG)
    schema.app = LATE
    return schema.exclude(operation_id=STREAMS)


SCHEMA = _schema()


def _call(case: schemathesis.Case, seeded: SeededService) -> None:
    for name, value in (case.path_parameters or {}).items():
        if name in seeded.ids and len(str(value)) % 2 == 0:
            case.path_parameters[name] = seeded.ids[name]
    answer = case.call_and_validate(headers=seeded.headers)
    if PROBLEM_JSON in answer.headers.get("content-type", [""])[0]:
        method, path = answer.request.method, urlsplit(answer.request.url).path
        code = answer.json()["code"]
        assert ANSWERS.undeclared(str(method), path, answer.status_code, code) is None


@SCHEMA.parametrize()
@QUIET
def test_every_answer_is_one_the_document_declares(
    case: schemathesis.Case, seeded: SeededService
) -> None:
    _call(case, seeded)


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(QUIET, max_examples=EXAMPLES_SLOW)
def test_every_answer_is_one_the_document_declares_for_long(
    case: schemathesis.Case, seeded: SeededService
) -> None:
    _call(case, seeded)

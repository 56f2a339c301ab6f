"""A CSV file becomes a job, the job a report, the report a stored series."""

import json
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from tests.conftest import unhurried

CSV = "date,open,high,low,close,volume\n2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,200\n"
SPEC = json.dumps({"instrument": "ACME", "interval": "1d"})


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory):
    settings = unhurried(tmp_path_factory.mktemp("data")).model_copy(
        update={"session_tables": True}
    )
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as started:
        deadline = time.monotonic() + 60
        while started.get("/readyz").status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        yield started


def upload(client: TestClient, text: str, spec: str = SPEC, **headers: str):
    files = {"file": ("candles.csv", text.encode(), "text/csv")}
    return client.post("/api/v1/data/imports", files=files, data={"spec": spec}, headers=headers)


def test_a_good_file_is_stored_and_read_back(client: TestClient) -> None:
    answer = upload(client, CSV, Prefer="wait=30")
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["stored"], report["inserted"], report["errors"]) == (True, 2, [])
    columns = client.get(
        "/api/v1/data/candles", params={"instrument": "ACME", "interval": "1d"}
    ).json()["columns"]
    assert columns["close"] == [11, 12]


def test_rows_that_are_wrong_are_named_and_nothing_is_stored(client: TestClient) -> None:
    bad = CSV.replace("ACME", "BAD").replace("11,13,10,12,200", "11,13,10,abc,200")
    job = upload(client, bad, json.dumps({"instrument": "BADCO", "interval": "1d"}))
    assert job.status_code == 202
    location = job.headers["Location"]
    with client.stream("GET", f"{location}/stream") as stream:
        kinds = [line[7:] for line in stream.iter_lines() if line.startswith("event: ")]
    assert kinds[-1] == "end"
    report = client.get(client.get(location).json()["result_url"]).json()
    assert report["stored"] is False
    assert [(error["row"], error["column"]) for error in report["errors"]] == [(3, "close")]
    missing = client.get("/api/v1/data/candles", params={"instrument": "BADCO", "interval": "1d"})
    assert missing.status_code == 404


def test_the_same_key_with_another_file_is_refused(client: TestClient) -> None:
    key = {"Idempotency-Key": "import-1"}
    first = upload(client, CSV, **key)
    again = upload(client, CSV, **key)
    other = upload(client, CSV + "2024-01-04,12,13,11,12,1\n", **key)
    assert (first.status_code, again.status_code, other.status_code) == (202, 200, 409)
    assert again.json()["id"] == first.json()["id"]


@pytest.mark.parametrize(
    "spec", ["{", "[]", "{}", '{"instrument": "A", "interval": "7m"}', '{"interval": "1d"}']
)
def test_a_spec_that_declares_too_little_is_refused_and_nothing_is_queued(
    client: TestClient, spec: str
) -> None:
    before = client.get("/api/v1/jobs", params={"count": "exact"}).json()["total"]
    refused = upload(client, CSV, spec)
    assert refused.status_code == 422
    assert refused.json()["code"] in ("import_invalid", "unknown_timeframe")
    assert client.get("/api/v1/jobs", params={"count": "exact"}).json()["total"] == before


def test_a_position_is_evaluated_at_the_newest_stored_close(client: TestClient) -> None:
    made = client.post("/v1/positions", json={"ticker": "SPX", "cash": 10000, "anchor_price": 2500})
    said = client.post(f"/v1/positions/{made.json()['id']}/evaluate").json()
    assert said["price"]["value"] == 2506.850098
    assert said["price"]["source"] == "close:bundled:SPX:1d:raw"
    assert said["price"]["as_of"] == "2018-12-31T21:00:00Z"
    assert said["price"]["age_s"] > 7 * 365 * 86400


def test_uploads_lie_only_below_the_data_folder(client: TestClient, tmp_path: Path) -> None:
    files = {"file": ("../../evil.csv", CSV.encode(), "text/csv")}
    answer = client.post("/api/v1/data/imports", files=files, data={"spec": SPEC})
    assert answer.status_code == 202
    assert not (tmp_path.parent / "evil.csv").exists()

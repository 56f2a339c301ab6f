"""Reports over HTTP: names, refusals, three formats, formulas, downloads, and none left half."""

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from httpx import Response

from application.context import SYSTEM, RequestContext
from application.ports.unit_of_work import Store
from domain.shared.events import NewEvent, explained
from infrastructure.persistence.types import from_json
from tests.support.market import calendar_folder
from tests.support.portfolio import START, exact
from tests.support.service import Service, running_service
from tests.support.trade_log import MANUAL_ROW, trade_events

D = Decimal
HOSTILE = (
    "../x.json", "/etc/x.json", "a/b.json", "CON.json", "con.tar.json", ".hidden.json",
    "x" * 200 + ".json", "a\x00.json", "report", "report.exe", "report.json.sh", "a..json",
    "-rf.json", " x.json", "x .json", "naïve.json", "x.json\n", "..%2fx.json", "", ".json",
    "LPT1.csv", "~.json", "$(id).json", "a\\b.json",
)  # fmt: skip


class Desk:
    """The report routes of a service, and the folder they write to."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder / "reports"

    def export(self, key: str | None = None, **params: Any) -> Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        answer: Response = self.service.client.post(
            "/export-report", params=params, headers=headers
        )
        return answer

    def written(self, **params: Any) -> tuple[dict[str, Any], bytes]:
        answer = self.export(**params)
        assert answer.status_code == 200, answer.text
        said = exact(answer)
        file = self.service.client.get(said["download_url"])
        assert file.status_code == 200, file.text
        assert sha256(file.content).hexdigest() == said["sha256"]
        assert file.content == (self.folder / said["filename"]).read_bytes()
        return said, file.content

    def log(self, *events: NewEvent) -> None:
        store: Store = self.service.client.app.state.container.get(Store)  # type: ignore[attr-defined]
        founder = store.query(lambda work: work.users.founder(), SYSTEM)
        assert founder is not None
        owner = RequestContext(founder.owner_id, "usr_test", "req_test")
        store.command(lambda work: work.events.append(events), owner).result(timeout=30)

    @property
    def account_id(self) -> str:
        return str(self.service.get("/accounts")["items"][0]["id"])

    @property
    def files(self) -> list[str]:
        return sorted(p.name for p in self.folder.iterdir()) if self.folder.exists() else []


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    shutil.copytree(calendar_folder() / "calendars", tmp_path / "calendars")
    with running_service(tmp_path, monkeypatch) as service:
        yield Desk(service, tmp_path)


def refusal(answer: Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def sheets(workbook: bytes) -> dict[str, list[list[str]]]:
    """Texts of the cells by sheet, read from the parts of the file."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        book = ElementTree.fromstring(parts.read("xl/workbook.xml"))
        names = [sheet.attrib["name"] for sheet in book.findall(".//m:sheet", space)]
        found = {}
        for number, name in enumerate(names, start=1):
            page = ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{number}.xml"))
            assert page.findall(".//m:f", space) == []
            found[name] = [
                ["".join(cell.itertext()) for cell in row]
                for row in page.findall(".//m:row", space)
            ]
    return found


def test_the_default_report_is_json_named_by_the_hour(desk: Desk) -> None:
    desk.log(*trade_events(desk.account_id))
    said, content = desk.written()
    assert said["filename"] == "performance_report_20250303_150000.json"
    assert said["report_summary"]["total_trades"] == 1
    assert said["report_summary"]["active_positions"] == 0
    assert (said["format"], said["total_events"]) == ("json", 3)
    report = from_json(content.decode())
    assert set(report) == {
        "summary", "trade_history", "active_positions", "config", "config_hash", "generated_at",
        "version",
    }  # fmt: skip
    shown = exact(desk.service.client.get("/performance"))
    assert {**report["summary"], "as_of": None} == {**shown, "as_of": None}
    assert report["trade_history"] == exact(desk.service.client.get("/trade-history"))
    config = exact(desk.service.client.get("/config"))
    assert (report["config"], report["config_hash"]) == (config["config"], config["hash"])
    assert str(desk.folder) not in json.dumps(desk.export(filename="b.json").json())


def test_open_trades_are_shown_as_the_desktop_shows_them(desk: Desk) -> None:
    body = {"symbol": "AAPL", "entry_price": 100, "market_data": {"vix": 18, "true_range": 2}}
    assert desk.service.client.post("/positions/open", json=body).status_code == 200
    said, content = desk.written(filename="open.json")
    assert said["report_summary"] == {
        **said["report_summary"], "total_trades": 0, "active_positions": 1,
    }  # fmt: skip
    report = from_json(content.decode())
    assert report["active_positions"] == exact(desk.service.client.get("/positions"))
    assert [row["action"] for row in report["trade_history"]] == ["POSITION_OPENED"]


def test_the_csv_is_the_trade_history(desk: Desk) -> None:
    desk.log(*trade_events(desk.account_id))
    said, content = desk.written(filename="trades.csv")
    assert (said["format"], said["total_events"]) == ("csv", 3)
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["action"] for row in rows] == [
        "POSITION_OPENED", "PROFIT_TAKING_LEVEL_1", "POSITION_CLOSED",
    ]  # fmt: skip
    assert rows[0]["profit_targets"] == "[112,125,140]"
    assert rows[2]["exit_price"] == "102.92625"
    assert rows[2]["max_loss_seen"] == "-1"


def test_the_workbook_has_its_five_sheets(desk: Desk) -> None:
    desk.log(*trade_events(desk.account_id))
    said, content = desk.written(format="xlsx")
    assert said["filename"].endswith(".xlsx")
    book = sheets(content)
    assert list(book) == ["Summary", "Trades", "Events", "Positions", "Config"]
    assert ["total_trades", "1"] in book["Summary"]
    assert ["by_regime.bull_normal.trades", "1"] in book["Summary"]
    assert (len(book["Trades"]), len(book["Events"])) == (2, 4)
    assert ["risk_limits.max_stop_distance", "25"] in book["Config"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_is_neutralised(desk: Desk, start: str) -> None:
    bad = f"{start}cmd|' /C calc'!A0"
    outputs = {**MANUAL_ROW, "reason": bad}
    event = NewEvent("manual_close", "position", "pos_1", desk.account_id,
                     explained("A step.", inputs={}, outputs=outputs), START)  # fmt: skip
    desk.log(event)
    _, content = desk.written(filename="bad.csv")
    (row,) = csv.DictReader(io.StringIO(content.decode(), newline=""))
    assert row["reason"] == f"'{bad}"
    _, content = desk.written(filename="bad.xlsx")
    texts = [cell for line in sheets(content)["Events"] for cell in line if "calc" in cell]
    assert texts and all(text.startswith("'") for text in texts)
    _, content = desk.written(filename="bad.json")
    assert from_json(content.decode())["trade_history"][0]["reason"] == bad


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_the_reports_folder(desk: Desk, tmp_path: Path, name: str) -> None:
    before = sorted(p for p in tmp_path.rglob("*") if "ballast.db" not in p.name)
    status, code = refusal(desk.export(filename=name))
    assert status == 400
    assert code == ("bad_request" if "\x00" in name else "invalid_filename")
    assert sorted(p for p in tmp_path.rglob("*") if "ballast.db" not in p.name) == before


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_outside_the_reports_folder_is_read(desk: Desk, tmp_path: Path, name: str) -> None:
    (tmp_path / "x.json").write_text("secret")
    if not name.strip("\x00"):
        return
    from urllib.parse import quote

    answer = desk.service.client.get(f"/reports/{quote(name, safe='')}")
    assert answer.status_code in (400, 404), answer.text
    assert "secret" not in answer.text


def test_a_link_in_the_folder_is_no_report(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("secret")
    desk.folder.mkdir(exist_ok=True)
    (desk.folder / "link.json").symlink_to(tmp_path / "secret.json")
    assert refusal(desk.service.client.get("/reports/link.json")) == (404, "report_not_found")
    assert desk.service.client.get("/reports").json() == {"items": []}
    assert refusal(desk.export(filename="link.json")) == (400, "file_exists")
    assert desk.export(filename="link.json", overwrite=True).status_code == 200
    assert (tmp_path / "secret.json").read_text() == "secret"


def test_a_report_is_replaced_only_when_told_to(desk: Desk) -> None:
    first = desk.written(filename="mine.json")[0]
    assert refusal(desk.export(filename="mine.json")) == (400, "file_exists")
    desk.log(*trade_events(desk.account_id))
    second = desk.written(filename="mine.json", overwrite=True)[0]
    assert (first["total_events"], second["total_events"]) == (0, 3)
    assert desk.files == ["mine.json"]


def test_of_many_exports_of_one_name_one_succeeds(desk: Desk) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: desk.export(filename="one.json"), range(6)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200, 400, 400, 400, 400, 400]
    assert desk.files == ["one.json"]


def test_a_key_makes_a_retry_safe(desk: Desk) -> None:
    first = desk.export(key="k1", filename="once.json")
    again = desk.export(key="k1", filename="once.json")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = desk.export(key="k1", filename="other.json")
    assert refusal(other) == (409, "idempotency_signature_mismatch")
    assert desk.files == ["once.json"]


@pytest.mark.parametrize("params", [{"format": "pdf"}, {"overwrite": "maybe"}])
def test_other_formats_and_words_are_refused(desk: Desk, params: dict[str, str]) -> None:
    assert refusal(desk.export(**params)) == (400, "invalid_request")
    assert desk.files == []


def test_stored_reports_are_listed_newest_first(desk: Desk) -> None:
    assert desk.service.client.get("/reports").json() == {"items": []}
    for name in ("b.json", "a.csv"):
        desk.written(filename=name)
    (desk.folder / "notes.txt").write_text("not a report")
    items = desk.service.client.get("/reports").json()["items"]
    assert [item["filename"] for item in items] == ["a.csv", "b.json"]
    assert items[0]["format"] == "csv" and items[0]["size_bytes"] > 0
    missing = desk.service.client.get("/reports/c.json")
    assert refusal(missing) == (404, "report_not_found")


def test_an_export_is_an_event_of_the_account(desk: Desk) -> None:
    said = desk.written(filename="noted.json")[0]
    event = next(
        e for e in desk.service.get("/events?limit=500")["items"] if e["type"] == "report_exported"
    )
    assert event["data"]["outputs"]["sha256"] == said["sha256"]


def test_a_report_is_written_at_orderly_shutdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_service(tmp_path, monkeypatch) as service:
        desk = Desk(service, tmp_path)
        desk.log(*trade_events(desk.account_id))
        assert desk.files == []
    assert desk.files == ["performance_report_20250303_150000.json"]
    report = from_json((desk.folder / desk.files[0]).read_text())
    assert report["summary"]["total_trades"] == 1
    assert len(report["trade_history"]) == 3

"""The functions that job children run for market data."""

import json
import shutil
from types import SimpleNamespace

import pytest

from application.market.job_kinds import MARKET_JOB_KINDS
from domain.shared.errors import Invalid
from infrastructure.compute.dotted_path import function_at
from infrastructure.compute.json_text import encode
from infrastructure.market_data.market_jobs import run_bundled, run_import
from tests.support.market import EXCERPTS, calendar_folder, open_room


@pytest.fixture
def context(tmp_path):
    open_room(tmp_path).close()
    shutil.copytree(calendar_folder() / "calendars", tmp_path / "calendars")
    (tmp_path / "imports").mkdir()
    shutil.copy(EXCERPTS / "btcusd_1h_excerpt.csv", tmp_path / "imports" / "upload.csv")
    seen = []
    return SimpleNamespace(
        data_dir=tmp_path,
        database_url=f"sqlite:///{tmp_path / 'book.db'}",
        report_progress=lambda done, total=None, unit="", message="": seen.append(
            (done, total, unit)
        ),
        seen=seen,
    )


def spec(**changes):
    declared = {"instrument": "BTC-USD", "interval": "1h"} | changes
    return {"upload": "upload.csv", "import": declared}


def test_an_upload_is_imported_and_its_report_is_a_json_document(context):
    result = json.loads(encode(run_import(spec(), context)))
    assert result["stored"] and result["inserted"] == 60 and result["errors"] == []
    assert (
        result["report"]["start"] == "2017-07-01T11:00:00Z"
        and result["report"]["completeness"] == 1
    )
    assert context.seen[-1] == (60, 60, "rows")


def test_a_file_with_wrong_rows_succeeds_as_a_job_and_says_what_was_wrong(context):
    result = json.loads(encode(run_import(spec(interval="4h"), context)))
    assert result["report"]["issues"][0]["code"] == "misaligned"
    bad = (context.data_dir / "imports" / "upload.csv").read_text().replace("2488.43", "two")
    (context.data_dir / "imports" / "upload.csv").write_text(bad)
    result = json.loads(encode(run_import(spec(), context)))
    assert not result["stored"] and result["errors"][0]["row"] == 3


@pytest.mark.parametrize("name", ["../book.db", "/etc/passwd", "missing.csv", "", "."])
def test_only_files_of_the_upload_folder_are_read(context, name):
    with pytest.raises(Invalid) as refused:
        run_import(spec() | {"upload": name}, context)
    assert refused.value.code == "import_invalid"


def test_the_bundled_series_load_as_a_job_and_again_without_change(context):
    first = run_bundled({}, context)
    assert (
        first["series"]["bundled:WTI:1d:raw"] == 8321
        and first["inserted"] == 5031 * 2 + 8321 + 7304
    )
    assert run_bundled({}, context)["inserted"] == 0


def test_every_market_job_names_a_function_that_exists():
    assert all(callable(function_at(kind.run)) for kind in MARKET_JOB_KINDS)

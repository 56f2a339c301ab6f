"""Market state, breadth and regimes as a caller meets them."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infrastructure.market_data.calendar_tables import FOLDER
from tests.support.market import calendar_folder
from tests.support.service import Service, running_service

MARKET_DATA = {"vix": 18.5, "t2108": 45.0, "momentum_ratio": 1.2, "true_range": 2.5}
PUBLISHED = {
    "taxonomy": "vix_regime",
    "scope": "market",
    "label": "bull_normal",
    "stress_level": 1,
    "confidence": 0.605,
    "inputs": {"vix": 18.5, "t2108": 45.0, "momentum_ratio": 1.2},
    "shifted_by": None,
    "profile": "standard",
    "status": "ok",
}


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    shutil.copytree(calendar_folder() / FOLDER, tmp_path / FOLDER)
    with running_service(tmp_path, monkeypatch) as running:
        running.clock.jump("2025-03-03T21:30:00Z")
        yield running


def put(service: Service, day: str, *, expect: int = 200, **body: Any) -> Any:
    answer = service.client.put(f"/api/v1/market-state/sessions/{day}", json=body)
    assert answer.status_code == expect, answer.text
    return answer.json()


def put_config(service: Service, *, expect: int = 200, **changes: Any) -> Any:
    read = service.client.get("/api/v1/regimes/config")
    document = read.json() | changes
    answer = service.client.put(
        "/api/v1/regimes/config", json=document, headers={"If-Match": read.headers["ETag"]}
    )
    assert answer.status_code == expect, answer.text
    return answer.json()


def events(service: Service, kind: str) -> list[Any]:
    found: list[Any] = service.get(f"/events?type={kind}")["items"]
    return found


def test_the_published_block_is_classified_as_published(service: Service) -> None:
    assert service.post("/regimes/classify", {"market_data": MARKET_DATA}) == PUBLISHED
    assert service.get("/market-state/history")["items"] == []


def test_classification_takes_a_profile_and_the_session_before(service: Service) -> None:
    legacy = service.post("/regimes/classify", {"market_data": {"vix": 14}, "profile": "legacy"})
    assert (legacy["label"], legacy["profile"]) == ("low_vol_complacency", "legacy")
    held = {"market_data": {"vix": 19.5}, "previous": {"label": "high_vol_stress"}}
    assert service.post("/regimes/classify", held)["label"] == "high_vol_stress"
    held["previous"]["sessions_below"] = 4  # type: ignore[assignment]
    assert service.post("/regimes/classify", held)["label"] == "bull_normal"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"market_data": {"vix": 4.9}}, "invalid_market_state"),
        ({"market_data": {"vix": 18, "t2108": 100.5}}, "invalid_market_state"),
        ({"market_data": {"t2108": 40}}, "invalid_request"),
        ({"market_data": {"vix": 18}, "profile": "own"}, "invalid_request"),
        ({"market_data": {"vix": 18}, "previous": {"label": "calm"}}, "invalid_request"),
    ],
)
def test_numbers_that_are_no_market_are_refused(service: Service, body: Any, code: str) -> None:
    assert service.post("/regimes/classify", body, expect=422)["code"] == code


def test_a_session_that_was_put_is_the_current_state(service: Service) -> None:
    assert service.get("/market-state/current", expect=404)["code"] == "no_market_state"
    assert service.get("/regimes/current", expect=404)["code"] == "no_market_state"
    row = put(service, "2025-03-03", vix=22.78, t2108=38, breadth={"up4": 320, "down4": 210})
    assert row["regime"] == "high_vol_stress"
    assert row["momentum_ratio"] == 1.5238095238
    assert row["sources"]["up4"] == "manual"
    current = service.get("/market-state/current")
    assert (current["stale"], current["age_sessions"]) == (False, 0)
    assert current["visible_at"].startswith("2025-03-03T21:30:00")
    (reading,) = service.get("/regimes/current")["readings"]
    assert (reading["label"], reading["status"], reading["source"]) == (
        "high_vol_stress", "ok", "manual",
    )  # fmt: skip


def test_a_row_goes_stale_after_a_session_and_its_regime_says_so(service: Service) -> None:
    put(service, "2025-03-03", vix=36)
    service.clock.jump("2025-03-04T21:30:00Z")
    assert service.get("/market-state/current")["stale"] is False
    service.clock.jump("2025-03-05T15:00:00Z")
    aged = service.get("/market-state/current")
    assert (aged["stale"], aged["age_sessions"]) == (True, 2)
    (reading,) = service.get("/regimes/current")["readings"]
    assert (reading["status"], reading["label"]) == ("stale", "crisis_opportunity")


@pytest.mark.parametrize(
    ("day", "body", "code"),
    [
        ("2025-03-01", {"vix": 20}, "not_a_session"),
        ("2025-03-04", {"vix": 20}, "future_session"),
        ("2025-03-03", {"vix": 101}, "invalid_market_state"),
        ("2025-03-03", {"vix": 20, "breadth": {"up4": -1}}, "invalid_market_state"),
        ("2025-03-03", {"t2108": 20}, "invalid_request"),
    ],
)
def test_a_session_that_cannot_be_is_refused(
    service: Service, day: str, body: Any, code: str
) -> None:
    assert put(service, day, expect=422, **body)["code"] == code
    assert service.get("/market-state/history")["n"] == 0
    assert events(service, "market_state_recorded") == []


def test_two_indices_are_not_mixed(service: Service) -> None:
    put(service, "2025-02-28", vix=20)
    mixed = put(service, "2025-03-03", expect=422, vix=20, vix_source="vix1d")
    assert mixed["code"] == "vix_source_mismatch"
    put(service, "2025-02-28", vix=19, vix_source="vix1d")
    assert put(service, "2025-03-03", vix=20, vix_source="vix1d")["vix_source"] == "vix1d"


def test_a_put_again_revises_the_row_and_the_regimes_after_it(service: Service) -> None:
    put(service, "2025-02-27", vix=18)
    put(service, "2025-02-28", vix=19.5)
    put(service, "2025-03-03", vix=19.2)
    assert [e["data"]["outputs"]["label"] for e in events(service, "regime_changed")] == [
        "bull_normal"
    ]
    revised = put(service, "2025-02-27", vix=22, t2108=None)
    assert revised["revision"] == 2
    rows = service.get("/market-state/history")["items"]
    assert [row["primary_regime"] for row in rows] == ["high_vol_stress"] * 3
    assert [row["revision"] for row in rows] == [2, 1, 1]
    changes = service.get("/regimes/history")["items"]
    assert [(c["as_of"], c["label"]) for c in changes] == [("2025-02-27", "high_vol_stress")]
    assert len(events(service, "regime_changed")) == 2
    put(service, "2025-02-27", vix=22)
    assert len(events(service, "market_state_recorded")) == 4


def test_segments_and_transitions_tell_how_it_went(service: Service) -> None:
    for day, vix in (("2025-02-24", 18), ("2025-02-25", 22), ("2025-02-26", 25), ("2025-02-27", 18),
                     ("2025-02-28", 11), ("2025-03-03", 10)):  # fmt: skip
        put(service, day, vix=vix)
    segments = service.get("/regimes/segments")
    assert [(x["label"], x["start"], x["end"], x["bars"]) for x in segments["items"]] == [
        ("bull_normal", "2025-02-24", "2025-02-24", 1),
        ("high_vol_stress", "2025-02-25", "2025-02-26", 2),
        ("bull_normal", "2025-02-27", "2025-02-28", 2),
        ("low_vol_complacency", "2025-03-03", "2025-03-03", 1),
    ]
    assert segments["items"][0]["total_return"] is None
    moved = service.get("/regimes/transitions")
    assert moved["n"] == 3
    assert moved["counts"]["bull_normal"] == {"high_vol_stress": 1, "low_vol_complacency": 1}
    assert moved["probabilities"]["bull_normal"] is None


@pytest.mark.parametrize("path", ["current", "history", "segments", "transitions"])
def test_another_taxonomy_is_refused(service: Service, path: str) -> None:
    refused = service.get(f"/regimes/{path}?taxonomy=chart_state", expect=422)
    assert refused["code"] == "unknown_taxonomy"


@pytest.mark.parametrize(
    "path",
    ["/market-state/history", "/regimes/history", "/regimes/segments", "/regimes/transitions",
     "/breadth/history"],
)  # fmt: skip
def test_a_range_that_ends_before_it_starts_is_refused(service: Service, path: str) -> None:
    refused = service.get(f"{path}?start=2025-03-03&end=2025-02-28", expect=422)
    assert refused["code"] == "invalid_range"


def test_a_forced_regime_holds_at_once_and_is_lifted_again(service: Service) -> None:
    put(service, "2025-02-20", vix=13)
    put(service, "2025-03-03", vix=18)
    put_config(service, force_regime="crisis_opportunity", reason="a bank fails")
    forced = service.post("/regimes/classify", {"market_data": MARKET_DATA})
    assert (forced["label"], forced["confidence"], forced["source"]) == (
        "crisis_opportunity", 1, "forced",
    )  # fmt: skip
    row = service.get("/market-state/current")
    assert (row["regime"], row["primary_regime"], row["forced"]) == (
        "crisis_opportunity", "bull_normal", True,
    )  # fmt: skip
    (reading,) = service.get("/regimes/current")["readings"]
    assert (reading["source"], reading["confidence"]) == ("forced", 1)
    assert service.get("/market-state/history")["items"][0]["regime"] == "bull_normal"
    put_config(service, force_regime=None, reason="the bank was saved")
    assert service.get("/market-state/current")["regime"] == "bull_normal"
    assert len(events(service, "config_changed")) == 2
    assert events(service, "regime_settings_changed") == []


def test_the_configuration_is_guarded_and_checked(service: Service) -> None:
    config = service.get("/regimes/config")
    assert (config["version"], config["profile"], config["force_regime"]) == (1, "standard", None)
    bare = service.client.put("/api/v1/regimes/config", json=config)
    assert (bare.status_code, bare.json()["code"]) == (428, "precondition_required")
    stale = service.client.put("/api/v1/regimes/config", json=config, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    weights = config["breadth_weights"] | {"t2108": 0.22}
    for changes, code in (
        ({"force_regime": "calm"}, "invalid_regime"),
        ({"bounds": {"low": 20, "bull": 12, "high": 35}}, "invalid_regime_config"),
        ({"confirm_sessions": 0}, "invalid_regime_config"),
        ({"breadth_weights": weights}, "weights_sum"),
    ):
        assert put_config(service, expect=422, **changes)["code"] == code
    assert service.get("/regimes/config") == config
    assert put_config(service)["version"] == 1


def test_own_bounds_and_profile_decide_what_is_stored_afterwards(service: Service) -> None:
    bounds = {"low": 14, "bull": 30, "high": 50}
    changed = put_config(service, profile="legacy", bounds=bounds, reason="as it used to be")
    assert changed["version"] == 3
    assert put(service, "2025-03-03", vix=14.5)["regime"] == "bull_normal"
    default = service.post("/regimes/classify", {"market_data": {"vix": 13}, "profile": "standard"})
    assert default["label"] == "bull_normal"


def test_breadth_is_served_with_its_score_and_advice(service: Service) -> None:
    counts = {
        "up4": 320, "down4": 210, "ratio5": 1.4, "ratio10": 1.2, "up25q": 900, "down25q": 700,
        "up13": 1100, "down13": 800,
    }  # fmt: skip
    assert service.get("/breadth/latest", expect=404)["code"] == "no_market_state"
    put(service, "2025-02-28", vix=20)
    put(service, "2025-03-03", vix=20, t2108=45, breadth=counts)
    latest = service.get("/breadth/latest")
    assert (latest["score"], latest["signal"], latest["entry_filter"]) == (
        54.65, "neutral", "neutral",
    )  # fmt: skip
    assert service.get("/breadth/date/2025-03-03") == latest
    assert service.get("/breadth/date/2025-02-28", expect=404)["code"] == "no_market_state"
    assert service.get("/breadth/history")["n"] == 1
    summary = service.get("/breadth/summary")
    assert (summary["rows"], summary["present"]["t2108"]) == (1, 1)


def test_ratios_are_summed_only_when_every_session_is_there(service: Service) -> None:
    days = ["2025-02-25", "2025-02-26", "2025-02-27", "2025-02-28", "2025-03-03"]
    for day in days[1:]:
        put(service, day, vix=20, breadth={"up4": 300, "down4": 200})
    assert service.get("/breadth/latest")["derived"] == []
    put(service, days[0], vix=20, breadth={"up4": 100, "down4": 500})
    latest = service.get("/breadth/latest")
    assert latest["derived"] == ["ratio5"]
    assert latest["values"]["ratio5"] == 1


def test_weights_are_replaced_only_when_they_sum_to_one(service: Service) -> None:
    weights = service.get("/breadth/weights")["weights"]
    wrong = service.client.put("/api/v1/breadth/weights", json={"weights": weights | {"up4": 0.17}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "weights_sum")
    right = service.client.put(
        "/api/v1/breadth/weights", json={"weights": weights | {"up4": 0.10, "t2108": 0.25}}
    )
    assert right.status_code == 200 and right.json()["version"] == 2
    assert service.get("/regimes/config")["breadth_weights"]["t2108"] == 0.25


def waited(service: Service, answer: Any) -> Any:
    assert answer.status_code == 202, answer.text
    location = answer.headers["Location"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = service.client.get(location).json()
        if job["state"] in ("succeeded", "failed", "interrupted", "cancelled"):
            return job
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def test_a_breadth_file_is_stored_and_its_bad_rows_are_named(service: Service) -> None:
    text = (
        "Breadth of common stocks,,,\n"
        "date,up4,down4,t2108\n"
        '02/27/2025,"1,320",210,45\n'
        "02/28/2025,abc,210,45\n"
        "03/01/2025,100,210,45\n"
        "03/03/2025,150,md,44\n"
    )
    files = {"file": ("breadth.csv", text.encode(), "text/csv")}
    data = {"spec": json.dumps({"date_format": "MM/DD/YYYY"})}
    put(service, "2025-03-03", vix=20, t2108=50)
    answer = service.client.post("/api/v1/breadth/import", files=files, data=data)
    job = waited(service, answer)
    assert job["state"] == "succeeded", job
    report = service.client.get(job["result_url"]).json()
    assert (report["rows_read"], report["rows_stored"]) == (4, 2)
    assert [(e["row"], e["column"], e["code"]) for e in report["errors"]] == [
        (4, "up4", "not_a_number"),
        (5, "date", "not_a_session"),
    ]
    service.clock.jump("2025-03-03T22:30:00Z")
    rows = service.get("/breadth/history")["items"]
    assert [(r["session"], r["t2108"], r["values"]["up4"]) for r in rows] == [
        ("2025-02-27", 45, 1320),
        ("2025-03-03", 50, 150),
    ]


@pytest.mark.parametrize("spec", ["{", "[]", '{"date_format": "guess"}', '{"columns": {"a": "b"}}'])
def test_a_wrong_breadth_spec_queues_nothing(service: Service, spec: str) -> None:
    files = {"file": ("breadth.csv", b"date,up4\n", "text/csv")}
    refused = service.client.post("/api/v1/breadth/import", files=files, data={"spec": spec})
    assert (refused.status_code, refused.json()["code"]) == (422, "import_invalid")
    assert service.get("/jobs?count=exact")["total"] == 0


def test_a_file_that_is_no_breadth_fails_with_its_reason(service: Service) -> None:
    files = {"file": ("breadth.csv", b"\xff\xfe\x00", "text/csv")}
    job = waited(service, service.client.post("/api/v1/breadth/import", files=files))
    assert job["state"] == "failed"
    assert job["error"]["code"] == "import_invalid"


def test_breadth_of_too_few_symbols_stores_nothing_and_says_why(service: Service) -> None:
    body = {"universe": ["SPX", "IXIC"], "start": "2025-02-03", "end": "2025-03-03"}
    job = waited(service, service.client.post("/api/v1/breadth/compute", json=body))
    result = service.client.get(job["result_url"]).json()
    assert result["sessions"] == 0 and result["without_series"] == ["SPX", "IXIC"]
    assert "fewer than 10" in result["reason"]
    twice = service.client.post("/api/v1/breadth/compute", json=body | {"universe": ["SPX", "SPX"]})
    assert twice.json()["code"] == "invalid_universe"

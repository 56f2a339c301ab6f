"""Profile and forced regime are one value, wherever it is set and whoever reads it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from tests.support.desktop import Desktop, desktop_service

CONFIG, REGIMES = "/api/v1/config", "/api/v1/regimes/config"
MONDAY_EVENING = "2025-03-03T21:30:00Z"
STRESS, CRISIS, BULL = "high_vol_stress", "crisis_opportunity", "bull_normal"
WHY = "the desk expects a storm"


class Desk:
    """Both documents of one service, and everyone who reads what they share."""

    def __init__(self, desktop: Desktop) -> None:
        self.desktop = desktop
        self.client = desktop.client

    def tag(self, path: str) -> str:
        return self.client.get(path).headers["ETag"]

    def patch(
        self, section: str, tag: str | None = None, why: str | None = WHY, **keys: Any
    ) -> Response:
        body = {section: keys} | ({} if why is None else {"reason": why})
        headers = {"If-Match": tag or self.tag(CONFIG)}
        return self.client.patch(CONFIG, json=body, headers=headers)

    def put(self, tag: str | None = None, why: str | None = WHY, **changes: Any) -> Response:
        document = self.regimes() | changes | ({} if why is None else {"reason": why})
        return self.client.put(
            REGIMES, json=document, headers={"If-Match": tag or self.tag(REGIMES)}
        )

    def config(self) -> Any:
        return self.client.get(CONFIG).json()

    def regimes(self) -> Any:
        return self.client.get(REGIMES).json()

    def shown(self) -> tuple[Any, ...]:
        """The forced regime in both documents, and the profile."""
        config, regimes = self.config()["config"], self.regimes()
        assert config["regime_overrides"]["force_regime"] == regimes["force_regime"]
        assert config["exits"]["profile"] == regimes["profile"]
        return regimes["force_regime"], regimes["profile"]

    def read_by(self, vix: float = 18) -> set[str]:
        """What classification, the current regime and the current row say."""
        body = {"market_data": {"vix": vix}}
        classified = self.client.post("/api/v1/regimes/classify", json=body).json()["label"]
        (reading,) = self.client.get("/api/v1/regimes/current").json()["readings"]
        row = self.client.get("/api/v1/market-state/current").json()
        return {classified, reading["label"], row["regime"]}

    def state(self, vix: float) -> None:
        put = self.client.put("/api/v1/market-state/sessions/2025-03-03", json={"vix": vix})
        assert put.status_code == 200, put.text

    def events(self, kind: str) -> list[Any]:
        found: list[Any] = self.client.get(f"/api/v1/events?type={kind}").json()["items"]
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "desk"


@pytest.fixture
def desk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desktop_service(folder, monkeypatch) as desktop:
        desktop.clock.jump(MONDAY_EVENING)
        yield Desk(desktop)


def code(answer: Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["code"])


def test_a_regime_forced_in_the_configuration_is_what_everyone_reads(desk: Desk) -> None:
    desk.state(18)
    assert desk.read_by() == {BULL}
    assert desk.patch("regime_overrides", force_regime=STRESS).status_code == 200
    assert desk.shown() == (STRESS, "standard")
    assert desk.read_by() == {STRESS}
    assert desk.desktop.open(vix=18)["regime"] == STRESS
    assert (
        desk.desktop.ask("POST", "/positions/open", {"symbol": "MSFT", "entry_price": 100})[
            "regime"
        ]
        == STRESS
    )
    assert [e["data"]["outputs"]["label"] for e in desk.events("regime_changed")] == [BULL, STRESS]
    assert desk.patch("regime_overrides", force_regime=None).status_code == 200
    assert desk.shown() == (None, "standard")
    assert desk.read_by() == {BULL}


def test_a_regime_forced_beside_it_is_what_everyone_reads(desk: Desk) -> None:
    desk.state(18)
    changed = desk.put(force_regime=CRISIS)
    assert changed.status_code == 200 and changed.json() == desk.regimes()
    assert "reason" not in changed.json()
    assert desk.shown() == (CRISIS, "standard")
    assert desk.config()["sources"]["regime_overrides"]["force_regime"] == "api"
    assert desk.read_by() == {CRISIS}
    assert desk.desktop.open(vix=18)["regime"] == CRISIS
    (version,) = desk.client.get(f"{CONFIG}/versions").json()["items"]
    assert (version["reason"], version["diff"][0]["path"]) == (
        WHY, "regime_overrides.force_regime",
    )  # fmt: skip
    (event,) = desk.events("config_changed")
    assert event["data"]["outputs"]["loosened"] == ["regime_overrides.force_regime"]
    assert desk.events("regime_settings_changed") == []


@pytest.mark.parametrize("is_patched", [True, False])
def test_the_profile_decides_regimes_and_exits_alike(desk: Desk, is_patched: bool) -> None:
    desk.state(14)
    assert desk.read_by(14) == {BULL}
    done = desk.patch("exits", profile="legacy") if is_patched else desk.put(profile="legacy")
    assert done.status_code == 200
    assert desk.shown() == (None, "legacy")
    assert desk.read_by(14) == {"low_vol_complacency"}
    assert desk.desktop.open(vix=14)["regime"] == "low_vol_complacency"
    back = desk.put(why=None, profile="standard")
    assert back.status_code == 200, "the standard profile is the tighter one"
    assert desk.read_by(14) == {BULL}


def test_letting_more_risk_through_needs_a_reason_on_both_ways(desk: Desk) -> None:
    desk.state(18)
    before = desk.config(), desk.regimes()
    for forced in (STRESS, CRISIS):
        patched = desk.patch("regime_overrides", why=None, force_regime=forced)
        assert code(patched) == code(desk.put(why=None, force_regime=forced))
        assert code(patched) == (422, "reason_required")
    assert code(desk.put(why="  ", profile="legacy")) == (422, "reason_required")
    assert (desk.config(), desk.regimes()) == before
    assert desk.read_by() == {BULL}
    assert desk.events("config_changed") == []


def test_nothing_of_a_refused_document_is_kept(desk: Desk) -> None:
    assert code(desk.put(why=None, confirm_sessions=3, profile="legacy")) == (
        422, "reason_required",
    )  # fmt: skip
    assert code(desk.put(confirm_sessions=0, profile="legacy")) == (422, "invalid_regime_config")
    assert (desk.regimes()["confirm_sessions"], desk.shown()) == (5, (None, "standard"))
    assert desk.events("regime_settings_changed") == desk.events("config_changed") == []


def test_a_tag_names_what_both_stores_hold(desk: Desk) -> None:
    old = desk.tag(REGIMES)
    assert desk.patch("regime_overrides", force_regime=STRESS).status_code == 200
    forced = desk.tag(REGIMES)
    assert forced != old
    assert code(desk.put(tag=old, confirm_sessions=3)) == (412, "stale_version")
    known = desk.client.get(REGIMES, headers={"If-None-Match": old})
    assert (known.status_code, known.json()["force_regime"]) == (200, STRESS)
    assert desk.client.get(REGIMES, headers={"If-None-Match": forced}).status_code == 304
    config = desk.tag(CONFIG)
    changed = desk.put(tag=forced, force_regime=CRISIS, confirm_sessions=3)
    assert changed.status_code == 200 and changed.headers["ETag"] == desk.tag(REGIMES)
    assert changed.json()["version"] == desk.regimes()["version"]
    assert code(desk.patch("regime_overrides", tag=config, force_regime=None)) == (
        412, "stale_version",
    )  # fmt: skip
    assert (desk.shown()[0], desk.regimes()["confirm_sessions"]) == (CRISIS, 3)
    assert desk.put(why=None).json()["version"] == changed.json()["version"]


def test_a_key_of_its_own_needs_no_reason_and_leaves_the_configuration_alone(desk: Desk) -> None:
    config = desk.config()
    desk.state(19)
    assert desk.put(why=None, bounds={"low": 12, "bull": 18, "high": 35}).status_code == 200
    assert desk.config() == config
    assert desk.read_by(19) == {STRESS}
    weights = desk.client.get("/api/v1/breadth/weights").json()["weights"]
    assert desk.patch("regime_overrides", force_regime=CRISIS).status_code == 200
    kept = desk.client.put("/api/v1/breadth/weights", json={"weights": weights})
    assert kept.status_code == 200 and desk.shown()[0] == CRISIS


def test_a_pinned_key_is_pinned_for_both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLAST_CONFIG__REGIME_OVERRIDES__FORCE_REGIME", STRESS)
    with desktop_service(folder, monkeypatch) as desktop:
        desk = Desk(desktop)
        assert desk.shown() == (STRESS, "standard")
        patched = desk.patch("regime_overrides", force_regime=CRISIS)
        refused = desk.put(force_regime=CRISIS)
        assert code(patched) == code(refused) == (409, "pinned_by_environment")
        assert patched.json()["context"] == refused.json()["context"]
        assert desk.put(why=None, confirm_sessions=3).status_code == 200
        assert desk.shown() == (STRESS, "standard")


def test_what_was_set_holds_after_a_restart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with desktop_service(folder, monkeypatch) as desktop:
        desktop.clock.jump(MONDAY_EVENING)
        desk = Desk(desktop)
        desk.state(18)
        assert desk.put(force_regime=STRESS, confirm_sessions=3).status_code == 200
        before, tag = desk.regimes(), desk.tag(REGIMES)
    with desktop_service(folder, monkeypatch, clock=desktop.clock) as desktop:
        desk = Desk(desktop)
        assert (desk.regimes(), desk.tag(REGIMES)) == (before, tag)
        assert desk.shown() == (STRESS, "standard")
        assert desk.read_by() == {STRESS}


def test_a_start_with_a_pin_reads_the_newest_row_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desktop_service(folder, monkeypatch) as desktop:
        desktop.clock.jump(MONDAY_EVENING)
        desk = Desk(desktop)
        desk.state(18)
        tag = desk.tag(REGIMES)
    monkeypatch.setenv("BALLAST_CONFIG__REGIME_OVERRIDES__FORCE_REGIME", CRISIS)
    with desktop_service(folder, monkeypatch, clock=desktop.clock) as desktop:
        desk = Desk(desktop)
        assert desk.read_by() == {CRISIS}
        assert desk.tag(REGIMES) != tag

"""A trade's life replayed from its rows alone: quantity, stop and targets at every step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN
from decimal import Decimal as D
from pathlib import Path
from random import Random
from typing import Any

import pytest

from infrastructure.persistence.doctor import examine
from infrastructure.persistence.engine import open_database
from tests.support.desktop import Desktop, desktop_service
from tests.support.portfolio import exact

SYMBOLS = ("AAPL", "MSFT", "IBM", "KO")
DAYS = ("06", "07", "08", "09", "12", "13", "14", "15")
PATIENT = {"exits": {"time_exit_sessions": 7}}
RATIOS = (2, 3, 1.5, 0.5)
EVERY_KIND = {
    "POSITION_OPENED", "PROFIT_TAKING_LEVEL_1", "BREAKEVEN_STOP", "TRAILING_STOP_MOVED",
    "REGIME_ADJUSTMENT", "STOP_TIGHTENED", "TARGETS_TIGHTENED", "SPLIT_APPLIED",
    "LEVELS_ADJUSTED_FOR_DIVIDEND", "MANUAL_CLOSE", "POSITION_CLOSED",
}  # fmt: skip
LEVELS = ("quantity", "stop_level", "profit_targets")


@dataclass(frozen=True)
class Standing:
    """What is left of a trade, and what protects it."""

    quantity: D
    stop: D
    targets: Sequence[D]
    is_closed: bool = False


def replayed(rows: Sequence[Mapping[str, Any]]) -> Standing:
    """The trade as its rows tell it."""
    first, *steps = rows
    assert first["action"] == "POSITION_OPENED"
    told = Standing(*(first[name] for name in LEVELS))
    for row in steps:
        action = row["action"]
        if action == "POSITION_CLOSED":
            told = replace(told, is_closed=True)
        elif action == "SPLIT_APPLIED":
            assert abs(row["quantity"] - told.quantity * row["ratio"]) < D("1e-8")
            told = Standing(*(row[name] for name in LEVELS))
        else:
            sold = row["quantity"] if "position_closed" in row else D(0)
            told = Standing(told.quantity - sold, row["stop_level"], row["profit_targets"])
            assert told.quantity >= row["remaining_quantity"]
    return told


def stored(desktop: Desktop, position_id: str) -> Standing:
    """The trade as it is kept."""
    found = exact(desktop.client.get(f"/api/v1/positions/{position_id}"))
    plan = found["plan"]
    pending = [t["price"] for t in plan["targets"] if t["status"] == "pending"]
    return Standing(found["qty"], plan["stop"]["price"], pending, found["status"] == "closed")


def history(desktop: Desktop, symbol: str) -> list[dict[str, Any]]:
    return list(desktop.ask("GET", f"/trade-history?symbol={symbol}"))


class Life:
    """One trade, and random things that may happen to it; what is refused changes nothing."""

    def __init__(self, desktop: Desktop, symbol: str, chance: Random) -> None:
        self._desktop, self.symbol, self._chance = desktop, symbol, chance
        self.price = D(100)
        opened = desktop.open(symbol, true_range=2, position_size=19)
        self.id, self.seen = str(opened["id"]), set[str]()

    def day(self, day: str) -> None:
        before = self._chance.choice((self._nothing, self._split, self._dividend))
        for step in (before, self._protect, self._close, self._bar, self._protect):
            step(day)
            rows = history(self._desktop, self.symbol)
            self.seen |= {row["action"] for row in rows}
            assert replayed(rows) == stored(self._desktop, self.id)

    def _nothing(self, day: str) -> None: ...

    def _split(self, day: str) -> None:
        ratio = self._chance.choice(RATIOS)
        body = {"ticker": self.symbol, "ratio": ratio, "ex_date": f"2026-01-{day}"}
        made = self._desktop.client.post("/api/v1/splits", json=body).json()
        applied = self._desktop.client.post(f"/api/v1/splits/{made['id']}/apply")
        applied.raise_for_status()
        self.price = self._cents(self.price / D(str(ratio)))

    def _dividend(self, day: str) -> None:
        dps = self._cents(self.price / 50)
        body = {"ticker": self.symbol, "ex_date": f"2026-01-{day}", "dps": str(dps)}
        made = self._desktop.client.post("/api/v1/dividends", json=body).json()
        if self._chance.random() < 0.5:  # else the next bar catches up
            path = f"/api/v1/dividends/{made['id']}/ex-date"
            self._desktop.client.post(path).raise_for_status()

    def _protect(self, day: str) -> None:
        if self._chance.random() < 0.5:
            return
        plan = exact(self._desktop.client.get(f"/api/v1/positions/{self.id}"))["plan"]
        nearer = [
            {"level": int(t["level"]), "price": str(self._cents(t["price"] * D("0.99")))}
            for t in plan["targets"]
            if t["status"] == "pending" and self._chance.random() < 0.7
        ]
        body: dict[str, Any] = {"targets": nearer}
        if self._chance.random() < 0.5:
            body["stop"] = str(self._cents(plan["stop"]["price"] * D("1.01")))
        path = f"/api/v1/positions/{self.id}/protection"
        assert self._desktop.client.put(path, json=body).status_code in (200, 409, 422)

    def _close(self, day: str) -> None:
        if self._chance.random() < 0.2:
            body = {"price": str(self.price), "fraction": self._chance.choice((0.2, 0.3))}
            path = f"/positions/{self.symbol}/close"
            assert self._desktop.client.post(path, json=body).status_code in (200, 400, 404)

    def _bar(self, day: str) -> None:
        self.price = self._cents(self.price * D(str(self._chance.uniform(0.96, 1.08))))
        prices = {"close": str(self.price), "high": str(self._cents(self.price * D("1.01")))}
        body = {
            "symbol": self.symbol,
            "current_price_data": prices,
            "market_data": {"vix": self._chance.choice((14, 18, 25, 45))},
        }
        answer = self._desktop.client.put("/positions/update", json=body)
        assert answer.status_code in (200, 400, 404), answer.text

    @staticmethod
    def _cents(price: D) -> D:
        return price.quantize(D("0.01"), rounding=ROUND_DOWN)


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    with desktop_service(tmp_path, monkeypatch, config=PATIENT) as service:
        yield service


@pytest.mark.parametrize("seed", [7, 10])
def test_the_rows_alone_tell_what_is_left_and_what_protects_it(
    desktop: Desktop, tmp_path: Path, seed: int
) -> None:
    chance = Random(seed)
    lives = [Life(desktop, symbol, chance) for symbol in SYMBOLS]
    for day in DAYS:
        desktop.clock.jump(f"2026-01-{day}T15:00:00Z")
        for life in lives:
            life.day(day)
    for life in lives:
        body = {"price": str(life.price)}
        desktop.client.post(f"/positions/{life.symbol}/close", json=body)
        told = replayed(history(desktop, life.symbol))
        assert told == stored(desktop, life.id)
        assert (told.quantity, told.is_closed) == (0, True)
    assert set[str]().union(*(life.seen for life in lives)) >= EVERY_KIND
    database = open_database(f"sqlite:///{tmp_path / 'ballast.db'}")
    examination = examine(database)
    database.close()
    assert examination.is_sound


def test_a_split_and_a_dividend_are_steps_of_a_trade(desktop: Desktop) -> None:
    desktop.open(true_range=2, position_size=10)
    cell = {"ticker": "AAPL", "qty": 10, "cash": 0, "anchor_price": 100}
    desktop.client.post("/api/v1/positions", json=cell).raise_for_status()
    desktop.clock.jump("2026-01-06T15:00:00Z")
    dividend = {"ticker": "AAPL", "ex_date": "2026-01-06", "dps": 2}
    made = desktop.client.post("/api/v1/dividends", json=dividend).json()
    for _ in range(2):
        desktop.client.post(f"/api/v1/dividends/{made['id']}/ex-date").raise_for_status()
    desktop.clock.jump("2026-01-07T15:00:00Z")
    split = {"ticker": "AAPL", "ratio": 2, "ex_date": "2026-01-07"}
    made = desktop.client.post("/api/v1/splits", json=split).json()
    for _ in range(2):
        desktop.client.post(f"/api/v1/splits/{made['id']}/apply").raise_for_status()
    _, lowered, divided = history(desktop, "AAPL")
    assert lowered.items() >= {
        "action": "LEVELS_ADJUSTED_FOR_DIVIDEND", "timestamp": "2026-01-06T14:30:00.000000Z",
        "session": "2026-01-06", "dps": 2, "old_stop": 92, "new_stop": 90, "stop_level": 90,
        "old_targets": [112, 125, 140], "new_targets": [110, 123, 138], "quantity": 100,
    }.items()  # fmt: skip
    assert divided.items() >= {
        "action": "SPLIT_APPLIED", "timestamp": "2026-01-07T14:30:00.000000Z", "ratio": 2,
        "session": "2026-01-07", "quantity": 200, "initial_quantity": 200, "entry_price": 50,
        "stop_level": 45, "profit_targets": [55, D("61.5"), 69], "position_status": "ACTIVE",
    }.items()  # fmt: skip
    found = desktop.ask("GET", "/trade-history?action=SPLIT_APPLIED")
    assert [row["seq"] for row in found] == [divided["seq"]]


def test_targets_brought_nearer_by_hand_are_a_step_of_a_trade(desktop: Desktop) -> None:
    path = f"/api/v1/positions/{desktop.open(true_range=2, position_size=10)['id']}/protection"
    body: dict[str, Any] = {"targets": [{"level": 2, "price": 120}, {"level": 3, "price": 130}]}
    desktop.client.put(path, json=body).raise_for_status()
    desktop.client.put(path, json=body).raise_for_status()
    body = {"stop": 95, "targets": [{"level": 1, "price": 111}]}
    desktop.client.put(path, json=body).raise_for_status()
    _, far, stop, near = history(desktop, "AAPL")
    assert far.items() >= {
        "action": "TARGETS_TIGHTENED", "levels": [2, 3], "old_targets": [125, 140],
        "new_targets": [120, 130], "profit_targets": [112, 120, 130], "stop_level": 92,
        "reason": "tightened by hand", "quantity": 100,
    }.items()  # fmt: skip
    assert (stop["action"], stop["new_stop"], near["action"]) == (
        "STOP_TIGHTENED",
        95,
        "TARGETS_TIGHTENED",
    )
    assert (near["levels"], near["old_targets"], near["new_targets"]) == ([1], [112], [111])
    assert near["profit_targets"] == [111, 120, 130]


def test_an_adjustment_shows_the_targets_it_moved(desktop: Desktop) -> None:
    desktop.open(true_range=2, position_size=10)
    desktop.clock.jump("2026-01-06T15:00:00Z")
    desktop.bar(101, vix=25)
    moved = history(desktop, "AAPL")[-1]
    assert moved["action"] == "REGIME_ADJUSTMENT"
    assert moved["profit_targets"] == desktop.ask("GET", "/positions/AAPL")["profit_levels"]
    assert moved["profit_targets"] != [112, 125, 140]

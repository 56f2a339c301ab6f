"""24 hours of prices every five seconds on 20 symbols, accelerated: resident memory every 6 hours."""

import os
import random
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import pytest

from tests.support.simulation import PaperAccount, paper_account

pytestmark = pytest.mark.bench
HOURS, STEP_S, SYMBOLS, HELD = 24, 5, 20, 5


def test_a_day_of_ticks_leaves_no_memory_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with paper_account(tmp_path, monkeypatch) as account:
        account.start()
        worth = {f"S{n}": 100.0 for n in range(SYMBOLS)}
        account.clock.now()
        _tick(account, worth)
        for name in list(worth)[:HELD]:
            account.order("BUY", 1, symbol=name)
        started, used = perf_counter(), []
        chance = random.Random(7)
        for step in range(HOURS * 3600 // STEP_S):
            for name in worth:
                worth[name] *= 1 + chance.gauss(0, 0.0002)
            account.clock.jump((account.clock.now() + timedelta(seconds=STEP_S)).isoformat())
            _tick(account, worth)
            if (step + 1) % (6 * 3600 // STEP_S) == 0:
                used.append(round(_resident_mb()))
        print(
            f"\n{HOURS} h of {STEP_S} s ticks on {SYMBOLS} symbols in {perf_counter() - started:.0f} s;"
            f" resident MB after each 6 h: {used}"
        )


def _tick(account: PaperAccount, worth: dict[str, float]) -> None:
    prices = [
        {"symbol": name, "bid": price, "ask": price, "last": price, "mark": price}
        for name, price in ((name, round(value, 2)) for name, value in worth.items())
    ]
    answer = account.post("/prices", {"prices": prices})
    assert answer.status_code == 200, answer.text


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

"""Published cases of VIX regimes and breadth, to the last digit, and real history."""

import csv
import gzip
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from domain.market.breadth import BreadthRules, breadth_score
from domain.market.breadth_panel import pct_above_sma40
from domain.market.market_regime import MarketRegime
from domain.market.market_sources import StateSource
from domain.market.market_state import StateOffer, labelled, merged
from domain.market.vix_regime import (
    PROFILES,
    HeldRegime,
    RegimeProfile,
    ShiftedBy,
    VixInputs,
    VixRules,
    classify,
    next_held,
)
from infrastructure.market_data.bundled import BUNDLED
from tests.support.market import EXCERPTS, NOW, xnys

LOW, BULL, HIGH, CRISIS = MarketRegime
STANDARD = VixRules()
LEGACY = VixRules(RegimeProfile.LEGACY, PROFILES[RegimeProfile.LEGACY].bands)


def numbers(vix: str, t2108: str | None = None, ratio: str | None = None) -> VixInputs:
    return VixInputs(
        Decimal(vix),
        None if t2108 is None else Decimal(t2108),
        None if ratio is None else Decimal(ratio),
    )


@pytest.mark.parametrize(
    ("vix", "band"),
    [
        ("0", LOW),
        ("11.99", LOW),
        ("12", BULL),
        ("19.99", BULL),
        ("20", HIGH),
        ("35", HIGH),
        ("35.01", CRISIS),
    ],
)
def test_standard_bands_belong_where_they_are_published(vix, band):
    label = classify(numbers(vix), STANDARD)
    assert (label.band, label.primary, label.regime) == (band, band, band)


@pytest.mark.parametrize(
    ("vix", "band"),
    [
        ("14.9", LOW),
        ("15", BULL),
        ("29.9", BULL),
        ("30", HIGH),
        ("49.9", HIGH),
        ("50", CRISIS),
    ],
)
def test_legacy_bands_exclude_their_upper_bounds(vix, band):
    assert classify(numbers(vix), LEGACY).band is band


@pytest.mark.parametrize(
    ("inputs", "regime", "shifted_by", "confidence"),
    [
        (("18", "15", "0.5"), HIGH, ShiftedBy.WEAK_BREADTH, "0.54"),
        (("18.5", "45", "1.2"), BULL, None, "0.605"),
        (("16.2", "50", "1.4"), BULL, None, "0.866"),
        (("36", None, None), CRISIS, None, "0.47"),
    ],
)
def test_breadth_and_distance_decide_regime_and_confidence(inputs, regime, shifted_by, confidence):
    label = classify(numbers(*inputs), STANDARD)
    assert (label.regime, label.shifted_by) == (regime, shifted_by)
    assert label.confidence == Decimal(confidence)


@pytest.mark.parametrize(
    ("vix", "regime", "is_shifted"),
    [("18", BULL, False), ("14", LOW, True), ("22", BULL, True), ("26", HIGH, False)],
)
def test_strong_breadth_calms_only_below_its_vix(vix, regime, is_shifted):
    label = classify(numbers(vix, "70", "2.5"), STANDARD)
    assert label.regime is regime
    assert label.shifted_by == (ShiftedBy.STRONG_BREADTH if is_shifted else None)


@pytest.mark.parametrize(
    ("vix", "regime"), [("48", BULL), ("30", BULL), ("19.9", LOW), ("20", BULL), ("50", CRISIS)]
)
def test_strong_breadth_always_calms_high_in_the_legacy_profile(vix, regime):
    assert classify(numbers(vix, "70", "2.5"), LEGACY).regime is regime


def test_a_crisis_never_shifts_and_one_number_alone_shifts_nothing():
    assert classify(numbers("36", "70", "2.5"), STANDARD).regime is CRISIS
    assert classify(numbers("36", "10", "0.1"), STANDARD).regime is CRISIS
    assert classify(numbers("18", "10"), STANDARD).shifted_by is None
    assert classify(numbers("18", None, "0.1"), STANDARD).shifted_by is None


def test_hysteresis_over_thirteen_sessions():
    closes = [
        "18", "22", "19.5", "19.2", "21", "18.5", "11.9", "12.1", "10.5", "36", "34", "33.5", "19",
    ]  # fmt: skip
    held: HeldRegime | None = None
    seen = []
    for vix in closes:
        held = next_held(held, Decimal(vix), STANDARD)
        seen.append(held.regime)
    assert seen == [
        BULL, HIGH, HIGH, HIGH, HIGH, BULL, BULL, BULL, LOW, CRISIS, CRISIS, HIGH, HIGH,
    ]  # fmt: skip


def test_five_sessions_in_a_row_below_settle_without_the_points():
    held: HeldRegime | None = None
    for vix in ("22", "19.5", "19.4", "19.9", "19.1"):
        held = next_held(held, Decimal(vix), STANDARD)
        assert held.regime is HIGH
    assert next_held(held, Decimal("19.9"), STANDARD) == HeldRegime(BULL)
    back = next_held(held, Decimal("20.1"), STANDARD)
    assert back == HeldRegime(HIGH, 0)


def bundled_closes() -> list[tuple[date, Decimal]]:
    source = next(item for item in BUNDLED if item.instrument == "VIX")
    with gzip.open(source.locate(), "rt") as stream:
        rows = list(csv.DictReader(stream))
    return [(date.fromisoformat(r["date"]), Decimal(r["close"])) for r in rows if r["close"]]


def test_hysteresis_halves_the_changes_of_a_quarter_century_of_closes():
    closes = [vix for _, vix in bundled_closes()]
    years = len(closes) / 252
    bands = [STANDARD.bands.band(vix) for vix in closes]
    held: HeldRegime | None = None
    labels = []
    for vix in closes:
        held = next_held(held, vix, STANDARD)
        labels.append(held.regime)
    assert sum(a is not b for a, b in pairwise(bands)) / years == pytest.approx(24.8, abs=0.1)
    assert sum(a is not b for a, b in pairwise(labels)) / years == pytest.approx(12.6, abs=0.1)


def test_bundled_history_does_not_hold_today_in_its_last_regime():
    calendar = xnys()
    old = [
        merged(None, StateOffer(day, StateSource.BUNDLED, {"vix": vix}), calendar, NOW)
        for day, vix in bundled_closes()[-30:]
    ]
    history = labelled([row for row in old if row is not None], (), STANDARD, calendar)
    assert (history[-1].session, history[-1].vix) == (date(2018, 12, 31), Decimal("25.42"))
    assert history[-1].label is not None and history[-1].label.primary is HIGH
    today = merged(
        None, StateOffer(NOW.date(), StateSource.MANUAL, {"vix": Decimal("18.5")}), calendar, NOW
    )
    assert today is not None
    (row,) = labelled([today], history, STANDARD, calendar)
    assert row.label is not None and row.label.regime is BULL


M7 = {
    "t2108": "45", "up4": "320", "down4": "210", "ratio5": "1.4", "ratio10": "1.2",
    "up25q": "900", "down25q": "700", "up13": "1100", "down13": "800",
}  # fmt: skip


def test_breadth_score_of_all_parts_and_of_three():
    values = {name: Decimal(text) for name, text in M7.items()}
    whole = breadth_score(values, BreadthRules())
    assert whole.score == Decimal("54.65")
    three = {name: values[name] for name in ("t2108", "up4", "down4")}
    assert breadth_score(three, BreadthRules()).score == Decimal("51.30")


def test_breadth_of_a_panel_matches_the_reference_of_nineteen_stocks():
    with (EXCERPTS / "breadth_panel19_excerpt.csv").open() as stream:
        rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    symbols = [n for n in rows[0] if n not in ("date", "expected", "n_symbols")]
    closes = np.array([[float(row[s] or "nan") for s in symbols] for row in rows])
    share, counted = pct_above_sma40(closes)
    expected = np.array([float(row["expected"] or "nan") for row in rows])
    known = np.isfinite(expected)
    assert known.sum() == 20
    np.testing.assert_allclose(share[known], expected[known], atol=1e-6)
    assert counted[known].tolist() == [int(r["n_symbols"]) for r in rows if r["expected"]]
    by_day = dict(zip((r["date"] for r in rows), share.tolist(), strict=True))
    assert by_day["2008-10-10"] == 6.25


def test_under_ten_symbols_there_is_no_breadth():
    closes = np.cumsum(np.ones((60, 9)), axis=0)
    share, counted = pct_above_sma40(closes)
    assert np.isnan(share).all()
    assert counted[-1] == 9

"""Laws of VIX regimes: order, prefixes, bounds of confidence, score within its scale."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.market.breadth import SCORE_PARTS, BreadthRules, breadth_score
from domain.market.regime_reading import LabelledSession, segments, transitions
from domain.market.vix_regime import (
    PROFILES,
    STRESS_LEVELS,
    HeldRegime,
    RegimeProfile,
    VixInputs,
    VixRules,
    classify,
)
from tests.support.market import xnys

PATHS = st.lists(st.decimals(5, 100, places=2), min_size=1, max_size=80)
RULES = st.sampled_from([VixRules(p, PROFILES[p].bands) for p in RegimeProfile])
PERCENTS = st.none() | st.decimals(0, 100, places=1)
RATIOS = st.none() | st.decimals("0.001", 50, places=3)
DAYS = [s.day for s in xnys().sessions(xnys().add_sessions(xnys().last_day, -400), xnys().last_day)]


def folded(path: list[Decimal], rules: VixRules) -> list[HeldRegime]:
    held, seen = None, []
    for vix in path:
        held = classify(VixInputs(vix), rules, held).held
        seen.append(held)
    return seen


@given(PATHS, RULES, st.data())
def test_a_label_depends_on_no_later_session(path, rules, data):
    cut = data.draw(st.integers(1, len(path)))
    assert folded(path, rules)[:cut] == folded(path[:cut], rules)


@given(PATHS, RULES)
def test_the_held_regime_is_never_calmer_than_its_band(path, rules):
    for vix, held in zip(path, folded(path, rules), strict=True):
        assert STRESS_LEVELS[held.regime] >= STRESS_LEVELS[rules.bands.band(vix)]
        assert held.sessions_below < rules.confirm_sessions


@given(st.decimals(5, 100, places=2), st.decimals(5, 100, places=2), RULES)
def test_a_higher_vix_is_never_a_calmer_band(one, other, rules):
    low, high = sorted((one, other))
    bands = rules.bands
    assert STRESS_LEVELS[bands.band(low)] <= STRESS_LEVELS[bands.band(high)]


@given(st.decimals(5, 100, places=2), PERCENTS, RATIOS, RULES)
def test_confidence_has_its_bounds_and_breadth_shifts_one_step_at_most(vix, t2108, ratio, rules):
    label = classify(VixInputs(vix, t2108, ratio), rules)
    assert Decimal("0.30") <= label.confidence <= Decimal("0.95")
    step = STRESS_LEVELS[label.regime] - STRESS_LEVELS[label.primary]
    assert abs(step) <= 1
    assert (step != 0) == (label.shifted_by is not None)


@given(st.dictionaries(st.sampled_from(sorted(SCORE_PARTS)), st.decimals(0, 10_000, places=2)))
def test_a_score_stays_within_its_scale_or_says_why_not(values):
    result = breadth_score(values, BreadthRules())
    if result.score is None:
        assert result.reason == "insufficient_data"
    else:
        assert 0 <= result.score <= 100


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=len(DAYS)))
def test_segments_cover_every_session_once_and_count_every_transition(labels):
    history = [LabelledSession(d, x) for d, x in zip(DAYS, labels, strict=False)]
    runs = segments(history)
    assert sum(run.bars for run in runs) == len(history)
    assert all(a.label != b.label and a.end < b.start for a, b in pairwise(runs))
    measured = transitions([history])
    assert measured.n == len(runs) - 1 == sum(sum(r.values()) for r in measured.counts.values())
    for label, shares in measured.probabilities.items():
        assert (shares is None) == (sum(measured.counts[label].values()) < 20)
        assert shares is None or abs(sum(shares.values()) - 1) < Decimal("1e-8")

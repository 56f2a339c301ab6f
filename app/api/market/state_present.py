"""From the market's state, breadth and regimes to answers."""

from dataclasses import asdict
from typing import Any

from app.api.market import regime_config_schemas as c
from app.api.market import regime_schemas as r
from app.api.market import state_schemas as s
from application.market.market_state_queries import AgedRow
from domain.market.breadth_rows import BreadthRow, BreadthSummary
from domain.market.market_state import MarketStateRow
from domain.market.regime_history import FORCED, RegimeChange
from domain.market.regime_reading import MARKET_SCOPE, RegimeReading, Taxonomy
from domain.market.regime_settings import RegimeSettings
from domain.market.vix_regime import STRESS_LEVELS, RegimeProfile, VixInputs, VixLabel


def state_out(row: MarketStateRow) -> s.MarketStateOut:
    """One session."""
    return s.MarketStateOut(**_state(row))


def current_out(aged: AgedRow) -> s.CurrentStateOut:
    """The newest row with its age."""
    return s.CurrentStateOut(
        **_state(aged.row), stale=aged.is_stale, age_sessions=aged.age_sessions
    )


def breadth_out(view: BreadthRow) -> s.BreadthOut:
    """Breadth of one session."""
    return s.BreadthOut(
        session=view.row.session,
        t2108=view.row.t2108,
        vix=view.row.vix,
        momentum_ratio=view.row.momentum_ratio,
        values=dict(view.values),
        derived=list(view.derived),
        score=view.score.score,
        signal=view.score.signal,
        parts=dict(view.score.parts),
        weight=view.score.weight,
        reason=view.score.reason,
        entry_filter=view.entry_filter,
        sources=dict(view.row.sources),
    )


def summary_out(summary: BreadthSummary) -> s.BreadthSummaryOut:
    """Totals."""
    return s.BreadthSummaryOut(
        rows=summary.rows, first=summary.first, last=summary.last, present=dict(summary.present)
    )


def classified(inputs: VixInputs, label: VixLabel, profile: RegimeProfile) -> dict[str, object]:
    """The reading of a request; `source` only on a forced label."""
    given = {
        "vix": inputs.vix,
        "t2108": inputs.t2108,
        "momentum_ratio": inputs.momentum_ratio,
    }
    reading: dict[str, object] = {
        "taxonomy": Taxonomy.VIX_REGIME.value,
        "scope": MARKET_SCOPE,
        "label": label.regime.value,
        "stress_level": STRESS_LEVELS[label.regime],
        "confidence": label.confidence,
        "inputs": {name: value for name, value in given.items() if value is not None},
        "shifted_by": None if label.shifted_by is None else label.shifted_by.value,
        "profile": profile.value,
        "status": "ok",
    }
    return reading | ({"source": FORCED} if label.is_forced else {})


def reading_out(reading: RegimeReading) -> r.RegimeReadingOut:
    """A stored reading."""
    return r.RegimeReadingOut(**asdict(reading))


def change_out(change: RegimeChange) -> r.RegimeChangeOut:
    """A change of label."""
    document = asdict(change)
    del document["taxonomy"], document["scope"], document["is_announced"]
    return r.RegimeChangeOut(**document)


def config_out(settings: RegimeSettings) -> c.RegimeConfigOut:
    """The settings document."""
    bounds = settings.bounds
    return c.RegimeConfigOut(
        profile=settings.profile,
        bounds=None if bounds is None else c.BoundsOut(**asdict(bounds)),
        hysteresis_points=settings.hysteresis_points,
        confirm_sessions=settings.confirm_sessions,
        force_regime=settings.force_regime,
        breadth_weights=dict(settings.breadth_weights),
        thresholds=asdict(settings.thresholds),
        use_computed_breadth=settings.use_computed_breadth,
        version=settings.version,
        updated_at=settings.updated_at,
    )


def weights_out(settings: RegimeSettings) -> s.BreadthWeightsOut:
    """The weights of the score."""
    return s.BreadthWeightsOut(weights=dict(settings.breadth_weights), version=settings.version)


def _state(row: MarketStateRow) -> dict[str, Any]:
    label = row.label
    return {
        "session": row.session,
        "vix": row.vix,
        "vix_source": row.vix_source,
        "t2108": row.t2108,
        "momentum_ratio": row.momentum_ratio,
        "breadth": row.breadth,
        "source": row.source,
        "sources": dict(row.sources),
        "visible_at": row.visible_at,
        "recorded_at": row.recorded_at,
        "band": None if label is None else label.band,
        "primary_regime": None if label is None else label.primary,
        "regime": None if label is None else label.regime,
        "shifted_by": None if label is None else label.shifted_by,
        "confidence": None if label is None else label.confidence,
        "forced": label is not None and label.is_forced,
        "revision": row.revision,
    }

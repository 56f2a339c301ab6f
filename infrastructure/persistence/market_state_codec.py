"""Market-state rows and regime settings as columns and documents, and back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.market.market_regime import MarketRegime
from domain.market.market_sources import StateSource, VixSource
from domain.market.market_state import MarketStateRow
from domain.market.regime_settings import RegimeBounds, RegimeSettings, RegimeThresholds
from domain.market.vix_regime import ShiftedBy, VixLabel

_NO_LABEL: dict[str, Any] = {
    "band": None,
    "primary_regime": None,
    "regime": None,
    "shifted_by": None,
    "confidence": None,
    "sessions_below": 0,
    "is_forced": False,
}


def facts_of(row: MarketStateRow) -> dict[str, Any]:
    """Columns of what was told, without the label."""
    return {
        "session": row.session,
        "numbers": dict(row.values),
        "sources": {name: source.value for name, source in row.sources.items()},
        "vix_source": row.vix_source.value,
        "visible_at": row.visible_at,
        "recorded_at": row.recorded_at,
        "revision": row.revision,
    }


def columns_of(row: MarketStateRow) -> dict[str, Any]:
    """All columns."""
    label = row.label
    if label is None:
        return facts_of(row) | _NO_LABEL
    return facts_of(row) | {
        "band": label.band.value,
        "primary_regime": label.primary.value,
        "regime": label.regime.value,
        "shifted_by": None if label.shifted_by is None else label.shifted_by.value,
        "confidence": label.confidence,
        "sessions_below": label.sessions_below,
        "is_forced": label.is_forced,
    }


def row_of(stored: Mapping[str, Any]) -> MarketStateRow:
    """Inverse of `columns_of`, and of `facts_of` for a row without a label."""
    return MarketStateRow(
        session=stored["session"],
        values=decimals(stored["numbers"]),
        sources={name: StateSource(source) for name, source in stored["sources"].items()},
        vix_source=VixSource(stored["vix_source"]),
        visible_at=stored["visible_at"],
        recorded_at=stored["recorded_at"],
        label=_label(stored) if stored.get("band") else None,
        revision=stored["revision"],
    )


def decimals(stored: Mapping[str, Any]) -> dict[str, Decimal]:
    """Numbers of a JSON document; whole ones come back as int."""
    return {name: Decimal(value) for name, value in stored.items()}


def settings_document(settings: RegimeSettings) -> dict[str, Any]:
    """What people set, without the bookkeeping and what the configuration holds."""
    return {
        "bounds": None if settings.bounds is None else asdict(settings.bounds),
        "hysteresis_points": settings.hysteresis_points,
        "confirm_sessions": settings.confirm_sessions,
        "breadth_weights": dict(settings.breadth_weights),
        "thresholds": asdict(settings.thresholds),
        "use_computed_breadth": settings.use_computed_breadth,
    }


def settings_of(
    document: Mapping[str, Any], version: int, updated_at: datetime | None
) -> RegimeSettings:
    """Inverse of `settings_document`. A document of an older release may hold `profile` and
    `force_regime` too: the configuration decides them, so they are passed over."""
    bounds = document["bounds"]
    known = {f.name for f in fields(RegimeThresholds)}
    limits = {n: v for n, v in decimals(document["thresholds"]).items() if n in known}
    return RegimeSettings(
        bounds=None if bounds is None else RegimeBounds(**decimals(bounds)),
        hysteresis_points=Decimal(document["hysteresis_points"]),
        confirm_sessions=document["confirm_sessions"],
        breadth_weights=decimals(document["breadth_weights"]),
        thresholds=RegimeThresholds(**limits),
        use_computed_breadth=document["use_computed_breadth"],
        version=version,
        updated_at=updated_at,
    )


def _label(stored: Mapping[str, Any]) -> VixLabel:
    shifted = stored["shifted_by"]
    return VixLabel(
        band=MarketRegime(stored["band"]),
        primary=MarketRegime(stored["primary_regime"]),
        regime=MarketRegime(stored["regime"]),
        shifted_by=None if shifted is None else ShiftedBy(shifted),
        confidence=stored["confidence"],
        sessions_below=stored["sessions_below"],
        is_forced=bool(stored["is_forced"]),
    )

"""Regimes of the market: classify, current, history, segments, transitions, settings."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import Reader, RiskManager, Runs, use
from app.api.market import regime_config_schemas as c
from app.api.market import regime_schemas as s
from app.api.market import state_present as present
from app.api.market.market_state import NOT_READY, Queries
from app.api.market.state_queries import Days, RegimeScope
from app.api.preconditions import NOT_MODIFIED, RequiredVersion, versioned
from app.api.routing import capability_router, refusals
from app.api.wire import ExactJsonResponse
from application.market.change_regime_settings import ChangeRegimeSettings, WantedRegimeSettings
from application.market.market_state_queries import PRICE_OF_THE_MARKET
from application.market.regime_settings import regime_settings
from domain.market.breadth import DEFAULT_WEIGHTS
from domain.market.market_state import require_in_range
from domain.market.regime_reading import MARKET_SCOPE, Taxonomy
from domain.market.regime_settings import (
    RegimeBounds,
    RegimeSettings,
    RegimeThresholds,
    forced_regime,
)
from domain.market.vix_regime import HeldRegime, VixInputs, classify

router = capability_router("market")

Range = Annotated[Days, Depends()]
Scoped = Annotated[RegimeScope, Depends()]
Changes = Annotated[ChangeRegimeSettings, Depends(use(ChangeRegimeSettings))]
_OF_THE_MARKET = {"taxonomy": Taxonomy.VIX_REGIME, "scope": MARKET_SCOPE}


@router.post(
    "/regimes/classify",
    operation_id="classify_regime",
    summary="The regime of the numbers sent; nothing is stored",
    response_model=s.ClassifiedOut,
    responses=refusals("415 unsupported_media_type", "422 invalid_market_state"),
)
async def classify_regime(
    request: Request, body: s.ClassifyIn, caller: Reader, runs: Runs
) -> Response:
    data, held = body.market_data, body.previous
    require_in_range(data.model_dump(exclude={"true_range"}))
    inputs = VixInputs(data.vix, data.t2108, data.momentum_ratio)
    before = None if held is None else HeldRegime(held.label, held.sessions_below)
    settings = await runs.glance(request, caller, regime_settings)
    rules = settings.rules(body.profile)
    label = classify(inputs, rules, before)
    return ExactJsonResponse(present.classified(inputs, label, rules.profile))


@router.get(
    "/regimes/current",
    operation_id="get_current_regime",
    summary="The regime of the newest visible row",
    responses=refusals("404 no_market_state", "422 unknown_taxonomy", *NOT_READY),
)
async def get_current_regime(
    request: Request, caller: Reader, runs: Runs, queries: Queries, scope: Scoped
) -> s.RegimeReadingsOut:
    reading = await runs.query(request, caller, queries.regime)
    return s.RegimeReadingsOut(readings=[present.reading_out(reading)])


@router.get(
    "/regimes/history",
    operation_id="list_regime_changes",
    summary="Changes of regime with start <= session <= end",
    responses=refusals("422 invalid_range", "422 unknown_taxonomy"),
)
async def list_regime_changes(
    request: Request, caller: Reader, runs: Runs, queries: Queries, scope: Scoped, days: Range
) -> s.RegimeHistoryOut:
    found = await runs.query(request, caller, lambda work: queries.changes(days.of(work), work))
    items = [present.change_out(change) for change in found]
    return s.RegimeHistoryOut(**_OF_THE_MARKET, items=items, n=len(items))


@router.get(
    "/regimes/segments",
    operation_id="list_regime_segments",
    summary="Unbroken runs of one regime, with what the index did in each",
    responses=refusals(
        "422 invalid_range", "422 range_too_large", "422 unknown_taxonomy", *NOT_READY,
        "503 corrupt_partition",
    ),
)  # fmt: skip
async def list_regime_segments(
    request: Request, caller: Reader, runs: Runs, queries: Queries, scope: Scoped, days: Range
) -> s.SegmentsOut:
    found = await runs.query(request, caller, lambda work: queries.segments(days.of(work), work))
    items = [s.SegmentOut(**asdict(segment)) for segment in found]
    return s.SegmentsOut(
        **_OF_THE_MARKET, instrument=PRICE_OF_THE_MARKET, items=items, n=len(items)
    )


@router.get(
    "/regimes/transitions",
    operation_id="get_regime_transitions",
    summary="Which regime followed which, how often, and how probable that is",
    responses=refusals(
        "422 invalid_range", "422 range_too_large", "422 unknown_taxonomy", *NOT_READY
    ),
)
async def get_regime_transitions(
    request: Request, caller: Reader, runs: Runs, queries: Queries, scope: Scoped, days: Range
) -> s.TransitionsOut:
    found = await runs.query(request, caller, lambda work: queries.transitions(days.of(work), work))
    return s.TransitionsOut(**_OF_THE_MARKET, **asdict(found))


@router.get(
    "/regimes/config",
    operation_id="get_regime_config",
    summary="What regimes and breadth are read with",
    response_model=c.RegimeConfigOut,
    responses=refusals() | NOT_MODIFIED,
)
async def get_regime_config(request: Request, caller: Reader, runs: Runs) -> Response:
    settings = await runs.glance(request, caller, regime_settings)
    return versioned(request, settings.version, present.config_out(settings))


@router.put(
    "/regimes/config",
    operation_id="put_regime_config",
    summary="Replace what regimes and breadth are read with; needs the scope risk",
    responses=refusals(
        "400 invalid_if_match",
        "403 reauthentication_required",
        "409 pinned_by_environment",
        "412 stale_version",
        "415 unsupported_media_type",
        "422 invalid_regime",
        "422 invalid_regime_config",
        "422 reason_required",
        "422 weights_sum",
        "428 precondition_required",
        *NOT_READY,
    ),
)
async def put_regime_config(
    request: Request,
    response: Response,
    body: c.RegimeConfigIn,
    caller: RiskManager,
    runs: Runs,
    expected: RequiredVersion,
    change: Changes,
) -> c.RegimeConfigOut:
    wanted = WantedRegimeSettings(_settings(body), expected, (body.reason or "").strip() or None)
    settings = await runs.command(request, caller, lambda work: change(wanted, caller, work))
    response.headers["ETag"] = f'"{settings.version}"'
    return present.config_out(settings)


def _settings(body: c.RegimeConfigIn) -> RegimeSettings:
    weights = DEFAULT_WEIGHTS if body.breadth_weights is None else dict(body.breadth_weights)
    return RegimeSettings(
        profile=body.profile,
        bounds=None if body.bounds is None else RegimeBounds(**body.bounds.model_dump()),
        hysteresis_points=body.hysteresis_points,
        confirm_sessions=body.confirm_sessions,
        force_regime=forced_regime(body.force_regime),
        breadth_weights=weights,
        thresholds=RegimeThresholds(**body.thresholds.model_dump()),
        use_computed_breadth=body.use_computed_breadth,
    )

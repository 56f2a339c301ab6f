"""The settings document and its switches: parse, call, present."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import Reader, Runs, Trader, use
from app.api.idempotency import Once, OnceOnly, OptionalKey, Presented
from app.api.preconditions import NOT_MODIFIED, RequiredVersion, versioned
from app.api.routing import capability_router, refusals
from app.api.settings import schemas as s
from application.context import Principal
from application.ports.unit_of_work import UnitOfWork
from application.settings.change_settings import ChangeSettings
from application.settings.service_settings import ServiceSettings
from application.settings.trading_status import ReadTradingStatus, TradingStatus

router = capability_router("settings")


Changes = Annotated[ChangeSettings, Depends(use(ChangeSettings))]
ReadsStatus = Annotated[ReadTradingStatus, Depends(use(ReadTradingStatus))]
_KEYED = (
    "400 invalid_idempotency_key",
    "409 idempotency_signature_mismatch",
    "409 request_in_progress",
)
_LOOSENING = "403 reauthentication_required"
_VERSIONED = (
    "400 invalid_if_match", _LOOSENING, "412 stale_version", "428 precondition_required",
)  # fmt: skip
_GUARDED = (*_VERSIONED, "415 unsupported_media_type", "422 invalid_settings")


def _etag(settings: ServiceSettings) -> str:
    return f'"{settings.version}"'


def _out(settings: ServiceSettings) -> s.SettingsOut:
    return s.SettingsOut(
        trading_enabled=settings.trading_enabled,
        order_confirmation_required=settings.order_confirmation_required,
        default_exchange=settings.default_exchange,
        default_timeframe=settings.default_timeframe,
        default_leverage=settings.default_leverage,
        telegram_enabled=settings.telegram_enabled,
        debug_mode=settings.debug_mode,
        version=settings.version,
        updated_at=settings.updated_at,
    )


def _status_out(status: TradingStatus) -> s.TradingStatusOut:
    return s.TradingStatusOut(
        trading_enabled=status.settings.trading_enabled,
        order_confirmation_required=status.settings.order_confirmation_required,
        effective_mode=status.effective_mode,
        conditions=[
            s.ConditionOut(code=c.code, ok=c.ok, detail=c.detail) for c in status.conditions
        ],
        settings=_out(status.settings),
    )


@router.get(
    "/settings",
    operation_id="get_settings",
    summary="The settings document",
    response_model=s.SettingsOut,
    responses=refusals() | NOT_MODIFIED,
)
async def get_settings(request: Request, caller: Reader, runs: Runs) -> Response:
    settings = await runs.glance(request, caller, lambda work: work.settings.read())
    return versioned(request, settings.version, _out(settings))


@router.put(
    "/settings",
    operation_id="replace_settings",
    summary="Replace the settings; letting more risk through needs scope risk and a fresh login",
    responses=refusals(*_GUARDED),
)
async def replace_settings(
    request: Request,
    response: Response,
    body: s.SettingsIn,
    caller: Trader,
    runs: Runs,
    expected: RequiredVersion,
    change: Changes,
) -> s.SettingsOut:
    values = body.model_dump(exclude={"version", "updated_at"})
    settings = await runs.command(
        request, caller, lambda work: change.replace(values, expected, caller, work)
    )
    response.headers["ETag"] = _etag(settings)
    return _out(settings)


@router.patch(
    "/settings",
    operation_id="change_settings",
    summary="Change some settings (merge patch); null puts a key back to its default",
    responses=refusals(*_GUARDED),
)
async def change_settings(
    request: Request,
    response: Response,
    body: s.SettingsPatch,
    caller: Trader,
    runs: Runs,
    expected: RequiredVersion,
    change: Changes,
) -> s.SettingsOut:
    changes = body.model_dump(exclude_unset=True)
    settings = await runs.command(
        request, caller, lambda work: change.merge(changes, expected, caller, work)
    )
    response.headers["ETag"] = _etag(settings)
    return _out(settings)


@router.post(
    "/settings/reset",
    operation_id="reset_settings",
    summary="Put every setting back to its default",
    response_model=s.SettingsOut,
    responses=refusals(*_VERSIONED, *_KEYED),
)
async def reset_settings(
    request: Request,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    expected: RequiredVersion,
    change: Changes,
) -> Response:
    return await once(
        request, caller, key,
        lambda work: change.reset(expected, caller, work),
        lambda settings: Presented(200, _out(settings)),
    )  # fmt: skip


@router.get(
    "/settings/export",
    operation_id="export_settings",
    summary="The settings as a document for another installation",
    responses=refusals(),
)
async def export_settings(request: Request, caller: Reader, runs: Runs) -> s.SettingsExport:
    settings, now = await runs.glance(
        request, caller, lambda work: (work.settings.read(), work.now)
    )
    values = _out(settings).model_dump(exclude={"version", "updated_at"})
    return s.SettingsExport(exported_at=now, settings=values)


@router.post(
    "/settings/import",
    operation_id="import_settings",
    summary="Replace the settings with an exported document",
    response_model=s.SettingsOut,
    responses=refusals(*_GUARDED, *_KEYED),
)
async def import_settings(
    request: Request,
    body: s.SettingsImport,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    expected: RequiredVersion,
    change: Changes,
) -> Response:
    values = body.settings.model_dump()
    return await once(
        request, caller, key,
        lambda work: change.replace(values, expected, caller, work),
        lambda settings: Presented(200, _out(settings)),
    )  # fmt: skip


@router.get(
    "/settings/trading/status",
    operation_id="get_trading_status",
    summary="Whether orders can go to a live venue, and what is missing",
    responses=refusals(),
)
async def get_trading_status(
    request: Request, caller: Reader, runs: Runs, read: ReadsStatus
) -> s.TradingStatusOut:
    return _status_out(await runs.glance(request, caller, read))


@router.post(
    "/settings/trading/toggle",
    operation_id="set_trading_enabled",
    summary="Switch trading on or off; off is open to every trader",
    response_model=s.TradingStatusOut,
    responses=refusals(_LOOSENING, "415 unsupported_media_type", *_KEYED),
)
async def set_trading_enabled(
    request: Request,
    body: s.ToggleIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    change: Changes,
    read: ReadsStatus,
) -> Response:
    return await _switch("trading_enabled", request, body, caller, key, once, change, read)


@router.post(
    "/settings/order-confirmation/toggle",
    operation_id="set_order_confirmation",
    summary="Require confirmation of orders, or not",
    response_model=s.TradingStatusOut,
    responses=refusals(_LOOSENING, "415 unsupported_media_type", *_KEYED),
)
async def set_order_confirmation(
    request: Request,
    body: s.ToggleIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    change: Changes,
    read: ReadsStatus,
) -> Response:
    setting = "order_confirmation_required"
    return await _switch(setting, request, body, caller, key, once, change, read)


async def _switch(
    setting: str,
    request: Request,
    body: s.ToggleIn,
    caller: Principal,
    key: str | None,
    once: Once,
    change: ChangeSettings,
    read: ReadTradingStatus,
) -> Response:
    def switch(work: UnitOfWork) -> TradingStatus:
        change.merge({setting: body.enabled}, None, caller, work)
        return read(work)

    return await once(
        request, caller, key, switch, lambda status: Presented(200, _status_out(status))
    )

"""The configuration on the desktop's own path."""

from fastapi import Request, Response

from app.api.compat.problems import compat_refusals, compat_router
from app.api.dependencies import Reader, Runs, Trader
from app.api.preconditions import NOT_MODIFIED, RequiredVersion
from app.api.risk import configuration as canonical
from app.api.risk import configuration_schemas as s

router = compat_router("desktop")


@router.get(
    "/config",
    operation_id="get_config",
    summary="The desktop configuration with the unit and source of every key",
    response_model=s.ConfigurationOut,
    responses=compat_refusals() | NOT_MODIFIED,
)
async def get_config(request: Request, caller: Reader, runs: Runs) -> Response:
    return await canonical.read(request, caller, runs)


@router.patch(
    "/config",
    operation_id="change_config",
    summary="Change some keys (merge patch); letting more risk through needs a risk manager",
    responses=compat_refusals(*canonical.REFUSALS),
)
async def change_config(
    request: Request,
    response: Response,
    body: s.ConfigurationPatchIn,
    caller: Trader,
    runs: Runs,
    expected: RequiredVersion,
    use_case: canonical.Changes,
) -> s.ConfigurationOut:
    answer, tag = await canonical.change(request, caller, runs, body, expected, use_case)
    response.headers["ETag"] = tag
    return answer

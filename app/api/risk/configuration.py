"""The desktop configuration over HTTP: parse, call, present."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import Dispatch, Reader, Runs, Trader, use
from app.api.market.market_state import NOT_READY
from app.api.paging import Listing, PageQuery
from app.api.preconditions import NOT_MODIFIED, RequiredVersion, versioned
from app.api.risk import configuration_schemas as s
from app.api.routing import capability_router, refusals
from application.context import Principal
from application.risk.change_configuration import ChangeConfiguration, parse_patch
from application.risk.configuration_document import nested
from application.risk.configuration_version import ConfigurationVersion
from application.risk.effective_configuration import EffectiveConfiguration, read_effective

router = capability_router("configuration")

Paging = Annotated[PageQuery, Depends()]
Changes = Annotated[ChangeConfiguration, Depends(use(ChangeConfiguration))]
REFUSALS = (
    "400 invalid_if_match",
    "403 reauthentication_required",
    "409 pinned_by_environment",
    "412 stale_version",
    "415 unsupported_media_type",
    "422 invalid_configuration",
    "422 reason_required",
    "428 precondition_required",
    *NOT_READY,
)


def presented(effective: EffectiveConfiguration) -> s.ConfigurationOut:
    """The answer: the document with its units, sources and warnings."""
    return s.ConfigurationOut(
        version=effective.version,
        config=s.ConfigurationDocument.model_validate(nested(effective.values)),
        units=s.UNITS,
        sources=nested(effective.sources),
        hash=effective.hash,
        warnings=[
            s.ConfigurationWarningOut(pointer=w.pointer, code=w.code, message=w.message)
            for w in effective.configuration.warnings()
        ],
        changed_at=effective.changed_at,
    )


def _version_out(version: ConfigurationVersion) -> s.ConfigurationVersionOut:
    return s.ConfigurationVersionOut(
        version=version.version,
        actor=version.actor,
        reason=version.reason,
        at=version.at,
        hash=version.hash,
        diff=[s.ConfigurationChangeOut.model_validate(item) for item in version.diff],
    )


async def read(request: Request, caller: Principal, runs: Dispatch) -> Response:
    """The configuration with its ETag, or 304."""
    effective = await runs.glance(request, caller, read_effective)
    return versioned(request, effective.version, presented(effective))


async def change(
    request: Request,
    caller: Principal,
    runs: Dispatch,
    body: s.ConfigurationPatchIn,
    expected: int,
    use_case: ChangeConfiguration,
) -> tuple[s.ConfigurationOut, str]:
    """The document after the patch, and its ETag."""
    patch = parse_patch(body.members)
    effective = await runs.command(
        request, caller, lambda work: use_case(patch, expected, caller, work)
    )
    return presented(effective), f'"{effective.version}"'


@router.get(
    "/config",
    operation_id="get_configuration",
    summary="The desktop configuration with the unit and source of every key",
    response_model=s.ConfigurationOut,
    responses=refusals() | NOT_MODIFIED,
)
async def get_configuration(request: Request, caller: Reader, runs: Runs) -> Response:
    return await read(request, caller, runs)


@router.get(
    "/config/versions",
    operation_id="list_configuration_versions",
    summary="Every change of the configuration with its reason, newest first",
    responses=refusals("400 invalid_cursor"),
)
async def list_configuration_versions(
    request: Request, response: Response, caller: Reader, runs: Runs, paging: Paging
) -> Listing[s.ConfigurationVersionOut]:
    before = None if paging.after is None else int(paging.after)
    versions = await runs.query(
        request, caller, lambda work: work.configuration.list(paging.page.limit, before)
    )
    rows = [(str(version.version), _version_out(version)) for version in versions]
    items, following = paging.cut(rows, response)
    return Listing(items=items, next_cursor=following)


@router.patch(
    "/config",
    operation_id="change_configuration",
    summary="Change some keys (merge patch); letting more risk through needs a risk manager",
    responses=refusals(*REFUSALS),
)
async def change_configuration(
    request: Request,
    response: Response,
    body: s.ConfigurationPatchIn,
    caller: Trader,
    runs: Runs,
    expected: RequiredVersion,
    use_case: Changes,
) -> s.ConfigurationOut:
    answer, tag = await change(request, caller, runs, body, expected, use_case)
    response.headers["ETag"] = tag
    return answer

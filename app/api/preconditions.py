"""If-Match on guarded changes: 428 when it is missing, 412 when it is stale."""

import re
from typing import Annotated

from fastapi import Depends, Header

from domain.shared.errors import BadInput, PreconditionMissing

_VERSION = re.compile(r'(?:W/)?"?(\d{1,18})"?', re.ASCII)
IfMatch = Annotated[str | None, Header(description='The ETag read before, such as "3".')]


async def optional_version(if_match: IfMatch = None) -> int | None:
    """Version named by If-Match; `*` matches any version."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _VERSION.fullmatch(if_match.strip())
    if found is None:
        raise BadInput("invalid_if_match", 'If-Match is the ETag of a version, such as "3".')
    return int(found.group(1))


async def required_version(if_match: IfMatch = None) -> int:
    """Version named by If-Match, which must be there."""
    version = await optional_version(if_match)
    if version is None:
        raise PreconditionMissing(
            "precondition_required", "Send If-Match with the ETag you read, so no change is lost."
        )
    return version


OptionalVersion = Annotated[int | None, Depends(optional_version)]
RequiredVersion = Annotated[int, Depends(required_version)]

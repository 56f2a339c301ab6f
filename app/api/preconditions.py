"""If-Match on guarded changes (428 missing, 412 stale), If-None-Match on reads (304).

A tag is the version, and for an answer that also shows what its version does not cover, such as a
price, a digest of the answer after it: `"3"` or `"3-5d41402abc4b2a76"`. If-Match takes both.
"""

import re
from hashlib import blake2b
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response

from app.api.wire import encode
from domain.shared.errors import BadInput, PreconditionMissing

_VERSION = re.compile(r'(?:W/)?"?(\d{1,18})(?:-[0-9a-f]{16})?"?', re.ASCII)
_TAG = re.compile(rb'(?:W/)?("[^"]*")')
DIGEST_BYTES = 8
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What If-None-Match names is what would be answered."}
}
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


def versioned(request: Request, version: int, answer: object) -> Response:
    """The answer with its ETag, or 304 when the caller has exactly this one."""
    return tagged(request, f'"{version}"', answer)


def versioned_view(request: Request, version: int, answer: object) -> Response:
    """As `versioned`, for an answer that changes without its version, as a price does."""
    content = encode(answer)
    digest = blake2b(content, digest_size=DIGEST_BYTES).hexdigest()
    return tagged(request, f'"{version}-{digest}"', content)


def tagged(request: Request, tag: str, answer: object) -> Response:
    """The answer under a tag of its own; bytes are sent as they are."""
    headers = {"ETag": tag}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    content = answer if isinstance(answer, bytes) else encode(answer)
    return Response(content, headers=headers, media_type="application/json")


def is_known(request: Request, tag: str) -> bool:
    """True when If-None-Match names the tag, weakly compared, or is `*`."""
    for name, value in request.scope["headers"]:
        if name == b"if-none-match":
            return value.strip() == b"*" or tag.encode() in _TAG.findall(value)
    return False

"""UUIDv7 identifiers with a prefix."""

from uuid_utils import uuid7

from domain.shared.ids import Prefix


class UuidIds:
    """`Ids` port: time-sorted, random, unique across processes."""

    def new(self, prefix: Prefix) -> str:
        """`pos_0190…`: the prefix and 32 hex digits."""
        return f"{prefix.value}_{uuid7().hex}"

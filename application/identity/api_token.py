"""A long-lived credential for scripts: scopes, optional end, optional addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from application.context import Scope
from domain.shared.errors import FieldFault, Invalid

ADDRESSES_MAX = 20
TOKENS_PER_USER_MAX = 100
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class ApiToken:
    """Only the SHA-256 of the secret is kept. `addresses` are CIDRs; empty means anywhere."""

    id: str
    user_id: str
    owner_id: str
    name: str
    digest: str
    scopes: frozenset[Scope]
    addresses: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Neither revoked nor over."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def parsed_networks(addresses: Sequence[str]) -> tuple[Network, ...]:
    """CIDRs as networks; Invalid `invalid_address` with the pointer of each bad one."""
    faults: list[FieldFault] = []
    networks: list[Network] = []
    if len(addresses) > ADDRESSES_MAX:
        faults.append(FieldFault("/addresses", "too_many", f"at most {ADDRESSES_MAX}"))
    for index, text in enumerate(addresses[:ADDRESSES_MAX]):
        try:
            networks.append(ip_network(text.strip()))
        except ValueError:
            faults.append(
                FieldFault(
                    f"/addresses/{index}",
                    "invalid_address",
                    "an address or CIDR such as 10.0.0.0/8",
                )
            )
    if faults:
        raise Invalid("invalid_address", "The address list is not valid.", errors=tuple(faults))
    return tuple(networks)


def is_inside(address: str | None, networks: Sequence[Network]) -> bool:
    """True for an empty list or an address inside it; an unknown address is never inside."""
    if not networks:
        return True
    try:
        caller: Address = ip_address(address or "")
    except ValueError:
        return False
    if isinstance(caller, IPv6Address) and caller.ipv4_mapped is not None:
        caller = caller.ipv4_mapped
    return any(caller.version == network.version and caller in network for network in networks)

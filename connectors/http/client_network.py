"""Whose an address is: limits count clients, and an IPv6 client has 2^64 addresses."""

import ipaddress

ONE_CLIENT = 64
"""Bits of an IPv6 address that its network gives; the others a client chooses himself."""


def client_of(address: str) -> str:
    """The address itself, or the network of one IPv6 client; what is no address stays as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), ONE_CLIENT), strict=False))

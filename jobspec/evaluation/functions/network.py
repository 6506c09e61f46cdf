"""Functions on network addresses."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from jobspec.evaluation.functions.calling import FunctionError, Implementation, taking
from jobspec.values import NUMBER, STRING, ListOf

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(prefix: str) -> Network:
    try:
        if "/" not in prefix:
            raise FunctionError(f"invalid CIDR expression: invalid CIDR address: {prefix}")
        return ipaddress.ip_network(prefix, strict=False)
    except ValueError as error:
        raise FunctionError(f"invalid CIDR expression: invalid CIDR address: {prefix}") from error


@taking(STRING, NUMBER)
def _cidrhost(prefix: str, number: int) -> str:
    network = _network(prefix)
    if not -network.num_addresses <= number < network.num_addresses:
        raise FunctionError(f"prefix of {network.prefixlen} does not accommodate a host numbered {number}")
    return str(network[number])


@taking(STRING)
def _cidrnetmask(prefix: str) -> str:
    network = _network(prefix)
    if network.version != 4:
        raise FunctionError("only IPv4 networks have a netmask")
    return str(network.netmask)


def _subnet(network: Network, bits: int, number: int) -> str:
    length = network.prefixlen + bits
    if bits < 0 or length > network.max_prefixlen:
        raise FunctionError(f"insufficient address space to extend prefix of {network.prefixlen} by {bits}")
    if not 0 <= number < 2**bits:
        raise FunctionError(f"prefix extension of {bits} does not accommodate a subnet numbered {number}")
    address = int(network.network_address) + number * 2 ** (network.max_prefixlen - length)
    kind: Any = type(network.network_address)
    return f"{kind(address)}/{length}"


@taking(STRING, NUMBER, NUMBER)
def _cidrsubnet(prefix: str, bits: int, number: int) -> str:
    return _subnet(_network(prefix), bits, number)


@taking(STRING, rest=NUMBER)
def _cidrsubnets(prefix: str, *sizes: int) -> ListOf:
    """Consecutive subnets, each aligned to its size."""
    network = _network(prefix)
    place, found = int(network.network_address), []
    kind: Any = type(network.network_address)
    for bits in sizes:
        length = network.prefixlen + bits
        size = 2 ** (network.max_prefixlen - length) if bits > 0 and length <= network.max_prefixlen else 0
        if not size:
            raise FunctionError("must extend prefix by at least one bit, and not beyond the address")
        # a subnet starts at a multiple of its size
        place += -place % size
        if place + size > int(network.broadcast_address) + 1:
            raise FunctionError(f"not enough remaining address space for a subnet with a prefix of {length} bits")
        found.append(f"{kind(place)}/{length}")
        place += size
    return ListOf(found)


FUNCTIONS: Final[dict[str, Implementation]] = {
    "cidrhost": _cidrhost,
    "cidrnetmask": _cidrnetmask,
    "cidrsubnet": _cidrsubnet,
    "cidrsubnets": _cidrsubnets,
}

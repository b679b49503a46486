"""Which IP addresses are the public Internet, however they are wrapped. Pure."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# `is_global` alone lets several of these through (multicast, relays, and, by Python version, parts of 192.0.0.0/24).
_CLOSED_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network: 0.0.0.0 reaches the own host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata server too
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's host agent, on a public address
        "169.254.0.0/16",  # link-local; metadata servers
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",
    )
)
_OPEN_V6: Final = IPv6Network("2000::/3")  # global unicast; all else in IPv6 is special
_CLOSED_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: benchmarking, ORCHID, AMT, … (Teredo is unwrapped before)
        "2001:db8::/32",
        "2620:4f:8000::/48",
        "3ffe::/16",
        "3fff::/20",
    )
)

_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_TRANSLATED: Final = IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)

_PLAIN_V4: Final = re.compile(r"(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}")
_NUMERIC_LABEL: Final = re.compile(r"(\d+|0[xX][0-9a-fA-F]*)")


def unwrapped(address: Address) -> tuple[Address, ...]:
    """The addresses that a packet to ``address`` may end up at: itself, or the IPv4 addresses packed into it."""
    if isinstance(address, IPv4Address):
        return (address,)
    number = int(address)
    if any(address in network for network in (_MAPPED, _TRANSLATED, _NAT64)):
        return (IPv4Address(number & 0xFFFFFFFF),)
    if address in _COMPATIBLE and number > 1:  # not :: and ::1
        return (IPv4Address(number & 0xFFFFFFFF),)
    if address in _SIX_TO_FOUR:
        return (IPv4Address(number >> 80 & 0xFFFFFFFF),)
    if address in _TEREDO:
        return (IPv4Address(number >> 64 & 0xFFFFFFFF), IPv4Address(~number & 0xFFFFFFFF))
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        return (address, IPv4Address(number & 0xFFFFFFFF))
    return (address,)


def is_public(address: Address) -> bool:
    """Whether ``address``, and every address packed into it, is on the public Internet."""
    return all(_is_public(one) for one in unwrapped(address))


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


def never_a_target(address: Address) -> bool:
    """Addresses that no permission opens: multicast, broadcast, and 0.0.0.0 and ::, which reach the own host by accident."""
    return any(one.is_multicast or one.is_unspecified or one == IPv4Address("255.255.255.255") for one in unwrapped(address))


def literal(host: str) -> Address | None:
    """The address that ``host`` spells in its normal form; None if it is a name.

    Raises ValueError for the other ways to write an address (``2130706433``, ``0x7f.1``, ``0177.0.0.1``, ``127.1``,
    a trailing dot, a zone): resolvers read them, people don't.
    """
    if ":" in host:
        if "%" in host:
            raise ValueError("an address with a zone")
        return ip_address(host)
    if _PLAIN_V4.fullmatch(host):
        return ip_address(host)
    if _NUMERIC_LABEL.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise ValueError("not the normal form of an address")
    return None

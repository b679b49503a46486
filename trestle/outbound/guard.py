"""The guard: resolves a host once, judges every answer, and gives the addresses to connect to. Knows no HTTP.

Whoever connects (HTTP, SMTP, IMAP, SQL) asks ``resolve`` and connects to what it returned, never to the name again:
a name can answer differently the second time.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from trestle.outbound.addresses import Address, Network, is_public, literal, never_a_target, unwrapped
from trestle.outbound.errors import BlockedAddress, ConnectionFailed, InvalidRequest

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Asks the name service: (host, port) → addresses. Raises OSError. The one seam for tests."""

_HOST: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?")
_PORTS: Final = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379, "postgres": 5432, "postgresql": 5432}
_HOW_TO_OPEN: Final = "An operator can open a range of addresses with TRESTLE_ALLOW_CIDRS."


@dataclass(frozen=True, slots=True)
class Policy:
    """Which targets are open besides the public Internet, and which never are.

    ``allow_cidrs``: ranges that operators opened. ``denied``: (host or address, port) of Trestle's own servers, which stay
    closed whatever is allowed; one on a loopback or unspecified address is closed on every address of this machine.
    """

    allow_cidrs: tuple[Network, ...] = ()
    denied: tuple[tuple[str, int], ...] = ()

    @classmethod
    def parse(cls, allow_cidrs: str | Iterable[str] = "", denied: Iterable[tuple[str, int]] = ()) -> "Policy":
        """From settings: ranges in a comma-separated text, or one by one. Raises ValueError that names the wrong one."""
        texts = allow_cidrs.split(",") if isinstance(allow_cidrs, str) else allow_cidrs
        networks: list[Network] = []
        for text in filter(None, (text.strip() for text in texts)):
            try:
                networks.append(ip_network(text, strict=False))
            except ValueError:
                raise ValueError(f"TRESTLE_ALLOW_CIDRS: {text!r} is not a range of addresses like 10.0.0.0/8 or fd00::/8.") from None
        return cls(tuple(networks), tuple((host.strip("[]").rstrip(".").lower(), port) for host, port in denied))

    def allows(self, address: Address) -> bool:
        """Whether ``address`` is public, or an operator opened it. Its port may still be denied."""
        if never_a_target(address):
            return False
        return all(
            is_public(one) or any(one.version == network.version and one in network for network in self.allow_cidrs)
            for one in unwrapped(address)
        )


def own_servers(urls: Iterable[str], addresses: Iterable[str]) -> list[tuple[str, int]]:
    """(host, port) of Trestle's own servers: those of `urls`, and `addresses` as settings give them.

    Raises ValueError that names the address that is none.
    """
    closed = []
    for url in urls:
        scheme, netloc = urlsplit(url)[:2]
        for place in netloc.rpartition("@")[2].split(","):  # a database's address may name several
            parts = urlsplit(f"//{place}")
            if parts.hostname is not None:
                closed.append((parts.hostname, parts.port or _PORTS.get(scheme, 0)))
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"TRESTLE_DENIED_ADDRESSES: {address!r} is not host:port.")
        closed.append((host, int(port)))
    return closed


async def system_lookup(host: str, port: int) -> list[str]:
    """The addresses of ``host`` by the system's resolver."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A zone (fe80::1%eth0) stays in the text, and such an address is refused.
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


async def resolve(host: str, port: int, policy: Policy, *, lookup: Lookup = system_lookup) -> list[str]:
    """The addresses of ``host`` to connect to, all judged; at least one.

    Raises BlockedAddress if *any* of them is closed (a name that mixes public and private answers is an attack),
    InvalidRequest for what is not a host, ConnectionFailed if there is no such name.
    """
    address = literal_address(host)
    if address is not None:
        await judge(address, port, policy, host=host, lookup=lookup)
        return [str(address)]
    if (normal(host), port) in policy.denied:
        raise _own_server(host, port)
    try:
        answers = await lookup(host, port)
    except (OSError, UnicodeError) as error:
        raise ConnectionFailed(f"The host {host!r} has no address: {error}. Check its spelling.") from None
    if not answers:
        raise ConnectionFailed(f"The host {host!r} has no address. Check its spelling.")
    for answer in answers:
        await judge(_parsed(answer, host), port, policy, host=host, lookup=lookup)
    return answers


def literal_address(host: str) -> Address | None:
    """The address that ``host`` is; None if it is a name.

    Raises InvalidRequest if it is neither, and BlockedAddress if it is an address in disguise.
    """
    try:
        address = literal(host)
    except ValueError:
        raise BlockedAddress(f"{host!r} is an unusual way to write an address. Write it like 203.0.113.7 or [2001:db8::7].") from None
    if address is None and (len(host) > 253 or not _HOST.fullmatch(host)):
        raise InvalidRequest(f"{host!r} is not the name of a host.")
    return address


async def judge(address: Address, port: int, policy: Policy, *, host: str = "", lookup: Lookup = system_lookup) -> None:
    """Raises BlockedAddress unless ``address`` is open and ``port`` on it is not one of Trestle's own servers."""
    named = f"{host!r} ({address})" if host and host != str(address) else f"{str(address)!r}"
    if not policy.allows(address):
        raise BlockedAddress(f"{named} is a private, local or reserved address, and outbound calls don't go there. {_HOW_TO_OPEN}")
    for denied_host, denied_port in policy.denied:
        if denied_port == port and await _is_same(address, denied_host, port, lookup):
            raise _own_server(named.strip("'"), port)


async def _is_same(address: Address, denied_host: str, port: int, lookup: Lookup) -> bool:
    """Whether ``address`` is the machine that ``denied_host`` names."""
    try:
        denied = {ip_address(denied_host)}
    except ValueError:
        if denied_host == "localhost":
            denied = {IPv4Address("127.0.0.1")}
        else:
            try:
                denied = {ip_address(answer) for answer in await lookup(denied_host, port)}
            except (OSError, ValueError):
                return not is_public(address)  # who can't be told apart from the own server is kept out
    denied_ends = {end for one in denied for end in unwrapped(one)}
    local = any(end.is_loopback or end.is_unspecified for end in denied_ends)
    return any(end in denied_ends or (local and _is_of_this_machine(end)) for end in unwrapped(address))


def _is_of_this_machine(address: Address) -> bool:
    """Whether this machine has ``address``: only then can a socket be bound to it."""
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def normal(host: str) -> str:
    """A host as it is compared."""
    return host.rstrip(".").lower()


def _parsed(answer: str, host: str) -> Address:
    try:
        if "%" in answer:
            raise ValueError
        return ip_address(answer)
    except ValueError:
        raise BlockedAddress(f"{host!r} resolves to {answer!r}, which is not a plain address.") from None


def _own_server(named: str, port: int) -> BlockedAddress:
    return BlockedAddress(f"{named}, port {port}, is one of Trestle's own servers, which workflows can't call.")

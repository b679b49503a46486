"""TCP ports: is one free, and give me one that is."""

from __future__ import annotations

import errno
import os
import socket

from trestle.cli.errors import LaunchError
from trestle.cli.settings import LOOPBACK

_SERVER_PORTS = (15_000, 32_000)


def require_free(host: str, port: int, setting: str) -> None:
    """Raises LaunchError, naming `setting`, when nobody could listen on `host:port` now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except socket.gaierror as error:
        raise LaunchError(f"TRESTLE_HOST is {host!r}, which is no address of this machine ({error.strerror}).") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that linger after a stop don't count
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise LaunchError(
                    f"Port {port} is taken by another program: stop that one, or choose another port with {setting}."
                ) from error
            reason = os.strerror(error.errno or 0)
            raise LaunchError(
                f"Port {port} on {host} cannot be used ({reason}): choose another with {setting}, or set TRESTLE_HOST."
            ) from error


def free_port() -> int:
    """A port of the loopback address on which nobody listens.

    From a range that systems don't use for outgoing connections: so a server that is restarted on its port finds it free again.
    """
    for _ in range(100):
        port = _SERVER_PORTS[0] + int.from_bytes(os.urandom(4), "big") % (_SERVER_PORTS[1] - _SERVER_PORTS[0])
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise LaunchError(f"No free port was found between {_SERVER_PORTS[0]} and {_SERVER_PORTS[1]}: is something using them all?")

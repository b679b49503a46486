"""Is it up? Each probe answers None for yes, or a few words saying what is missing."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from trestle.cli.settings import LOOPBACK

# Called with the child's process id.
Probe = Callable[[int], str | None]

_TIMEOUT_S = 2.0
_MAX_ANSWER = 16_000


def http_ok(url: str) -> Probe:
    """Ready when GET `url` (http only) answers below 400.

    By hand: the standard library's HTTP client would take 3 MB for good, for a request of three lines.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or LOOPBACK, parts.port or 80
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = f"GET {target} HTTP/1.0\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()

    def probe(_pid: int) -> str | None:
        answer = b""
        try:
            with socket.create_connection((host, port), timeout=_TIMEOUT_S) as connection:
                connection.sendall(request)
                while len(answer) < _MAX_ANSWER and (part := connection.recv(_MAX_ANSWER)):
                    answer += part
        except ConnectionRefusedError:
            return f"nothing listens on port {port} yet"
        except OSError as error:
            return f"{url} does not answer ({type(error).__name__})"
        head, _, body = answer.partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1:2]
        if not head.startswith(b"HTTP/") or not status or not status[0].isdigit():
            return f"{url} answers something that is not HTTP"
        return None if int(status[0]) < 400 else f"{url} answers {int(status[0])}{_detail(body)}"

    return probe


def _detail(body: bytes) -> str:
    """The `detail` of a problem document, where the body is one."""
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    detail = document.get("detail") if isinstance(document, dict) else None
    return f": {detail}" if detail else ""


def postgres_ready(data: Path) -> Probe:
    """Ready when the server writes so in `postmaster.pid`, as pg_ctl reads it. The process id rules out a file left by a crash."""

    def probe(pid: int) -> str | None:
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return "PostgreSQL is starting"
        if len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready":
            return None
        return "PostgreSQL is starting or recovering"

    return probe


def valkey_ready(port: int, password: str) -> Probe:
    """Ready when PING is answered, that is after the append-only file has been loaded."""

    def probe(_pid: int) -> str | None:
        try:
            with socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT_S) as connection:
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(1000)):
                    answer += part
        except OSError:
            return "Valkey is starting"
        return None if b"+PONG" in answer else f"Valkey answers {answer[:80].decode('utf-8', 'replace').strip()}"

    return probe

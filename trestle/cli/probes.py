"""Is it up? Each probe answers None for yes, or a few words saying what is missing."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from trestle.cli.settings import LOOPBACK

# Called with the child's process id.
Probe = Callable[[int], str | None]

_TIMEOUT_S = 2.0


def http_ok(url: str) -> Probe:
    """Ready when GET `url` answers below 400."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def probe(_pid: int) -> str | None:
        connection = http.client.HTTPConnection(parts.hostname or LOOPBACK, parts.port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            body = response.read(10_000)
        except ConnectionRefusedError:
            return f"nothing listens on port {parts.port} yet"
        except (OSError, http.client.HTTPException) as error:
            return f"{url} does not answer ({type(error).__name__})"
        finally:
            connection.close()
        return None if response.status < 400 else f"{url} answers {response.status}{_detail(body)}"

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

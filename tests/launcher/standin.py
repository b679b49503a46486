"""Stand-ins for the three services: quick to start, and they note what they see. Run as `python -m backend` and so on."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the name is the base class's
        self.send_response(503 if self.path == "/readyz" and not _executor_is_up() else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def _executor_is_up() -> bool:
    """Whether one has noted that it is: it takes its signals by then."""
    return any(line.startswith("executor ") for line in Path(os.environ["JOURNAL"]).read_text().splitlines())


def note(text: str) -> None:
    """A line in the journal that the test reads; also on stdout, which is the log."""
    with Path(os.environ["JOURNAL"]).open("a") as journal:
        journal.write(text + "\n")
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _on_stop(number: int, _frame: object) -> None:
    raise SystemExit(0)


def serve(name: str, port_setting: str) -> None:
    """A server that answers 200 to everything, until SIGTERM."""
    signal.signal(signal.SIGTERM, _on_stop)
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ[port_setting])), _Answers)
    note(f"{name} {os.getpid()} up")
    try:
        server.serve_forever()
    finally:
        note(f"{name} {os.getpid()} stopped")


def execute() -> None:
    """An executor that, when it is stopped, takes a moment to drain and then notes whether backend and queue are still there."""
    signal.signal(signal.SIGTERM, _on_stop)
    note(f"executor {os.getpid()} up")
    try:
        while True:
            time.sleep(60)
    finally:
        time.sleep(0.3)
        try:
            backend = urllib.request.urlopen(os.environ["TRESTLE_BACKEND_URL"] + "/healthz", timeout=2).status
        except urllib.error.URLError:
            backend = 0
        queue_port = int(os.environ["REDIS_URL"].rpartition(":")[2].partition("/")[0])
        with socket.socket() as probe:
            queue = "there" if probe.connect_ex(("127.0.0.1", queue_port)) == 0 else "gone"
        note(f"executor {os.getpid()} drained, backend {backend}, queue {queue}")

"""Reads the command line and calls the command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from trestle.cli.errors import LaunchError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 a LaunchError or a refusal of the system (stderr says which), 2 wrong arguments."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except LaunchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:  # a full disk, a folder that is not one's own: no bug, and no traceback
        sys.stderr.write(f"The system refuses: {error}. Is the disk full, or may you not write there?\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace) -> int:
    # Each command is imported when it is called: the launcher stays small, and `migrate` needs no terminal code.
    if options.command == "up":
        if os.name != "posix":
            raise LaunchError("The launcher needs Linux or macOS: on Windows, run it inside WSL.")
        from trestle.cli.up import up

        return up(home=options.home)
    if options.command == "migrate":
        from trestle.cli.migrate import migrate

        return migrate(options.revision)
    if options.command == "health":
        from trestle.cli.health import health

        return health(options.url)
    if options.command == "keys":
        from trestle.cli.rotation import rotate

        return rotate(home=options.home)
    if options.command == "seed":
        from trestle.cli.seed import seed

        return seed()
    from trestle.cli.new_node import new_node

    return new_node(options.name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trestle", description="Trestle, a visual workflow builder that you host yourself.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start everything on this machine; Ctrl-C stops it")
    up.add_argument("--home", type=Path, help="folder for data, logs and keys (default: TRESTLE_HOME, else .trestle)")
    migrate = commands.add_parser("migrate", help="bring the tables at DATABASE_URL up to date")
    migrate.add_argument("--revision", metavar="MESSAGE", help="write a new migration from what changed in the models instead")
    health = commands.add_parser("health", help="exit code 0 when URL answers, for health checks")
    health.add_argument("url", help="such as http://127.0.0.1:8000/healthz")
    keys = commands.add_parser("keys", help="give stored secrets a new encryption key")
    keys.add_argument(
        "action", choices=["rotate"], help="encrypt every stored secret with a new key; cut off half-way, it goes on when run again"
    )
    keys.add_argument("--home", type=Path, help="folder for data, logs and keys (default: TRESTLE_HOME, else .trestle)")
    commands.add_parser("seed", help="put sample workflows into a running Trestle (TRESTLE_URL, TRESTLE_EMAIL, TRESTLE_PASSWORD)")
    node = commands.add_parser("node", help="write the file of a new node")
    node.add_argument("name", help="its type, such as `shout` or `text.shout`")
    return parser

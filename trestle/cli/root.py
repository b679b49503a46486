"""PostgreSQL refuses to run as root. How it is run nevertheless where the launcher is root (containers, mostly)."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from trestle.cli.errors import LaunchError
from trestle.cli.spawning import spawn


def find_mode(program: Path, home: Path) -> str:
    """How to start `program` so that it doesn't see itself as root.

    "" (not root), "userns" (a private user namespace), or "drop:<user>". Raises LaunchError where nothing works.
    """
    if os.geteuid() != 0:
        return ""
    if _works(program, "userns"):
        return "userns"
    for user in ("postgres", "nobody"):
        if _exists(user) and _works(program, f"drop:{user}") and _reachable(home):
            home.chmod(0o711)  # to pass through; the folders inside stay closed
            return f"drop:{user}"
    raise LaunchError(
        "PostgreSQL does not run as root, and here neither a user namespace nor another user that can reach this folder is to be had: "
        "start Trestle as a normal user, or set DATABASE_URL to a PostgreSQL server."
    )


def hand_over(folder: Path, root_mode: str) -> None:
    """Make `folder`, and what is in it, belong to the user that will run PostgreSQL; nothing to do in the other modes."""
    if not root_mode.startswith("drop:"):
        return
    account = pwd.getpwnam(root_mode.removeprefix("drop:"))
    if folder.stat().st_uid == account.pw_uid:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _works(program: Path, mode: str) -> bool:
    return spawn([str(program), "--version"], env={}, output=subprocess.DEVNULL, root_mode=mode).wait(timeout=10) == 0


def _reachable(home: Path) -> bool:
    """Whether every folder above `home` lets others pass."""
    return all(parent.stat().st_mode & 0o001 for parent in home.parents)

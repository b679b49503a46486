"""Rules of the house that a machine can see. CONTRIBUTING.md gives the reasons."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, PROJECT, files, modules, name

MAX_LINES = 400
VAGUE = {"util", "utils", "common", "helper", "helpers", "misc", "tools", "stuff", "shared", "general", "lib", "manager", "managers"}
# An address of a package registry or mirror, as installers write it into lock files.
REGISTRY = re.compile(r"(index-url|find-links|trusted-host)|https?://", re.IGNORECASE)


def test_no_module_is_too_long_to_read() -> None:
    sizes = {name(path): len(path.read_text().splitlines()) for path in modules(*PACKAGES, "tests", "deploy")}
    sizes |= {name(path): len(path.read_text().splitlines()) for path in files() if path.suffix in (".js", ".jsx")}
    assert {path: lines for path, lines in sizes.items() if lines > MAX_LINES} == {}


def test_no_room_has_a_vague_name() -> None:
    paths = [path.relative_to(PROJECT) for path in modules(*PACKAGES, "tests", "deploy")]
    assert [str(path) for path in paths if VAGUE & {path.stem, *path.parts[:-1]}] == []


def test_alembics_folder_does_not_shadow_the_library() -> None:
    assert not (PROJECT / "alembic" / "__init__.py").exists()


def test_the_arrows_hold() -> None:
    linter = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(linter, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_contracts_import_pydantic_and_the_standard_library_only() -> None:
    allowed = sys.stdlib_module_names | {"pydantic", "pydantic_core"}
    strangers = {
        f"{name(path)}: {module}"
        for path in modules("trestle")
        if "contracts" in path.parts
        for module in _imports(path)
        if module.split(".")[0] not in allowed and not module.startswith("trestle.contracts")
    }
    assert strangers == set()


def test_the_launcher_itself_needs_the_standard_library_only() -> None:
    # It stays in memory beside everything else. (`migrate` loads what it needs when it is called.)
    script = "import sys; import trestle.cli.up; print(*sorted({m.split('.')[0] for m in sys.modules} - sys.stdlib_module_names))"
    done = subprocess.run([sys.executable, "-S", "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"trestle", "__main__"}


def test_routes_translate_http_and_do_nothing_else() -> None:
    offenders = []
    for path in modules("backend"):
        if path.name != "routes.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback", "flush"):
                offenders.append(f"{name(path)}:{node.lineno} {node.attr}")
        offenders += [
            f"{name(path)} imports {module}" for module in _imports(path) if module.split(".")[0] in ("sqlalchemy", "asyncpg", "redis")
        ]
    assert offenders == []


@pytest.mark.parametrize(
    "path", [path for path in files() if path.suffix in (".lock", ".in") or path.name.startswith("requirements")], ids=name
)
def test_lock_files_name_no_registry(path: Path) -> None:
    hits = [line for line in path.read_text().splitlines() if REGISTRY.search(line)]
    assert hits == []


def test_the_front_ends_lock_names_no_registry() -> None:
    hits = [name(path) for path in files() if "reflex.lock" in path.parts and '"resolved"' in path.read_text()]
    assert hits == []


def test_nothing_names_the_folder_it_was_written_in() -> None:
    home = str(Path.home())
    places = [place for place in (str(PROJECT), f"{home}/") if len(place) > len("/tmp/")]
    assert [name(path) for path in files() if any(place.encode() in path.read_bytes() for place in places)] == []


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
    return found

"""If it is public, it is documented: code, settings, make targets, links."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from tests.architecture.sources import PACKAGES, PROJECT, files, modules, name
from trestle.contracts import executions, workflows

# How a setting can enter: os.environ and friends in the launcher, aliases and prefixes in the services' Settings classes.
_ENVIRONMENT = re.compile(r"""["'](TRESTLE_[A-Z0-9_]+|DATABASE_URL|REDIS_URL)["']""")
_DOCUMENTED = re.compile(r"^\| `([A-Z0-9_]+)`", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def test_every_public_name_has_a_docstring() -> None:
    bare = [entry for path in modules(*PACKAGES) for entry in _undocumented(path)]
    assert bare == []


def test_every_setting_is_in_the_settings_page_and_nothing_else_is() -> None:
    known = {match for path in modules(*PACKAGES) for match in _ENVIRONMENT.findall(path.read_text())}
    known |= _prefixed_settings()
    documented = set(_DOCUMENTED.findall((PROJECT / "docs" / "settings.md").read_text()))
    assert known - documented == set(), "add these to docs/settings.md"
    assert documented - known == set(), "docs/settings.md describes what nothing reads"


def test_fields_that_the_api_page_tells_of_are_described_in_the_schema() -> None:
    told = set(re.findall(r"`([A-Z]\w+)\.(\w+)`", (PROJECT / "docs" / "api.md").read_text()))
    assert told
    described = {
        (model.__name__, name)
        for module in (executions, workflows)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, BaseModel)
        for name, field in model.model_fields.items()
        if field.description
    }
    assert told - described == set()


def test_compose_and_its_example_use_known_settings() -> None:
    documented = set(_DOCUMENTED.findall((PROJECT / "docs" / "settings.md").read_text()))
    used = set(re.findall(r"^ +(TRESTLE_[A-Z_]+|DATABASE_URL|REDIS_URL):", (PROJECT / "docker-compose.yml").read_text(), re.MULTILINE))
    assert used
    assert used <= documented
    asked = set(re.findall(r"\$\{([A-Z_]+)", (PROJECT / "docker-compose.yml").read_text()))
    offered = set(re.findall(r"^([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE))
    assert asked - offered <= {"TRESTLE_ALLOW_CIDRS"}, "every variable that compose insists on is in .env.example"


def test_every_make_target_is_in_help() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE).group(1).split())  # type: ignore[union-attr]  # it is there
    said = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert {target for target in phony if f"make {target} " not in said} == set()
    assert {line.split()[1] for line in said.splitlines()} == phony


def test_links_in_the_documentation_lead_somewhere() -> None:
    broken = []
    for path in files():
        if path.suffix != ".md":
            continue
        for target in _LINK.findall(path.read_text()):
            if not target.startswith(("http://", "https://", "#", "mailto:")) and not (path.parent / target.partition("#")[0]).exists():
                broken.append(f"{name(path)} → {target}")
    assert broken == []


def test_the_readme_says_how_to_start_and_how_to_test() -> None:
    top = (PROJECT / "README.md").read_text()
    assert "make up" in top[:2000]
    assert "make test" in top


def _undocumented(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    if not ast.get_docstring(tree) and tree.body:
        yield f"{name(path)}: the module"
    yield from _bare_definitions(path, tree, "")


def _bare_definitions(path: Path, parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    inherited = _documented_in_bases(parent) if isinstance(parent, ast.ClassDef) else set()
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        overload = any(isinstance(decorator, ast.Name) and decorator.id == "overload" for decorator in node.decorator_list)
        if not ast.get_docstring(node) and not overload and node.name not in inherited:
            yield f"{name(path)}:{node.lineno} {prefix}{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _bare_definitions(path, node, f"{prefix}{node.name}.")


def _documented_in_bases(node: ast.ClassDef) -> set[str]:
    """Methods that a base class of this project has documented: what overrides them means the same."""
    found: set[str] = set()
    for base in node.bases:
        named = base.value if isinstance(base, ast.Subscript) else base
        for parent in _classes().get(named.id, []) if isinstance(named, ast.Name) else []:
            found |= {
                item.name for item in parent.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(item)
            }
            found |= _documented_in_bases(parent)
    return found


@cache
def _classes() -> dict[str, list[ast.ClassDef]]:
    """Every class of the project by its name."""
    found: dict[str, list[ast.ClassDef]] = {}
    for path in modules(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(node)
    return found


def _prefixed_settings() -> set[str]:
    """Fields of a Settings class whose environment names come from a prefix."""
    found: set[str] = set()
    for path in modules(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and (prefix := _prefix(node)):
                found |= {
                    prefix + item.target.id.upper()
                    for item in node.body
                    if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
                }
    return found


def _prefix(node: ast.ClassDef) -> str:
    for call in ast.walk(node):
        if isinstance(call, ast.keyword) and call.arg == "env_prefix" and isinstance(call.value, ast.Constant):
            return str(call.value.value)
    return ""

"""Finds the files that hold nodes, and imports them."""

import ast
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from executor.node import Node

BUILT_IN = Path(__file__).parent / "nodes"
ENTRY_POINTS = "trestle.nodes"
PRIVATE = "_trestle_nodes_"
"""Prefix of the module names of files in the operator's folder: they can't take the place of an installed package."""


@dataclass(frozen=True)
class Loaded:
    """What became of one file or entry point: a node, or the `problem`. `type` is its type, as far as it is known."""

    source: str
    type: str
    node: Node[Any] | None = None
    problem: str = ""


def built_in() -> Iterator[Loaded]:
    """The nodes that come with the executor."""
    for path in _files(BUILT_IN):
        name = ".".join(("executor", "nodes", *path.relative_to(BUILT_IN).with_suffix("").parts))
        yield _load(_shown(path, BUILT_IN), _type_in(path), lambda name=name: importlib.import_module(name), path)  # type: ignore[misc]  # inferred per turn


def from_folder(folder: Path) -> Iterator[Loaded]:
    """The nodes in the operator's folder (TRESTLE_NODES_DIR) and below. Files that start with `_` are left alone."""
    if not folder.is_dir():
        yield Loaded(folder.name, "nodes_dir", problem="TRESTLE_NODES_DIR is no folder. Create it, or unset the variable.")
        return
    for path in _files(folder):
        yield _load(_shown(path, folder), _type_in(path), lambda path=path: _import_file(path), path)  # type: ignore[misc]  # inferred per turn


def from_entry_points() -> Iterator[Loaded]:
    """The nodes of installed packages. An entry point names a node class, or a module that holds one."""
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        package = f" of {point.dist.name}" if point.dist else ""
        yield _load(f"entry point {point.name}{package}", point.name, point.load)


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*.py") if not any(part.startswith(("_", ".")) for part in path.relative_to(folder).parts))
    return sorted(found)


def _shown(path: Path, folder: Path) -> str:
    """The file's name from its folder on: every user may see it, and where the folder is concerns only the operator."""
    return f"{folder.name}/{path.relative_to(folder).as_posix()}"


def _load(source: str, type: str, import_it: Callable[[], Any], path: Path | None = None) -> Loaded:
    try:
        loaded = import_it()
        classes = _classes_of(loaded)
        concrete = [cls for cls in classes if not inspect.isabstract(cls)]
        if len(concrete) == 1:
            node = concrete[0]()
            return Loaded(source, getattr(node, "type", type), node)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a node's file may raise anything; its listing says what
        return Loaded(source, type, problem=_explain(error, path))
    if len(classes) == 1:
        return Loaded(source, type, problem=f"{classes[0].__name__} has no method `run`.")
    found = ", ".join(cls.__name__ for cls in concrete) or "none"
    return Loaded(source, type, problem=f"It must define exactly one subclass of Node[Config]; found {found}.")


def _classes_of(loaded: Any) -> list[type[Node[Any]]]:
    """The node class itself, or those that a module defines; abstract ones may be bases for others."""
    if inspect.isclass(loaded):
        return [loaded] if issubclass(loaded, Node) else []
    defined = (value for value in vars(loaded).values() if inspect.isclass(value) and value.__module__ == loaded.__name__)
    return [cls for cls in defined if issubclass(cls, Node)]


def _import_file(path: Path) -> ModuleType:
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    name = f"{PRIVATE}{digest}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"Python can't import {path.name}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic looks names up here while the file is still being run
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _explain(error: BaseException, path: Path | None) -> str:
    """The error with the line of the node's own file, where it is known."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(path):
            line = frame.lineno
    what = error.msg if isinstance(error, SyntaxError) else error
    return f"{error.__class__.__name__}: {what}" + (f" (line {line})" if line else "")


def _type_in(path: Path) -> str:
    """The type that a file says it defines, read without running it, so that a broken file is listed under its own type."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return path.stem
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = _pairs(target, node.value)
                for name, value in pairs:
                    if (
                        isinstance(name, ast.Name)
                        and name.id == "type"
                        and isinstance(value, ast.Constant)
                        and isinstance(value.value, str)
                    ):
                        return value.value
    return path.stem


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=False))
    return [(target, value)]

"""Discovery: what is found where, and how a bad file is told of."""

import subprocess
import sys
import types
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from executor import loading
from executor.errors import BrokenNode, DuplicateNodeType, UnknownNodeType
from executor.registry import discover

GOOD = '''
from executor.node import Config, Context, JsonValue, Node

class GreetConfig(Config):
    """Nothing to set."""

class Greet(Node[GreetConfig]):
    """Says hello."""
    type, title, group, icon = "demo.greet", "Greet", "Demo", "hand"
    async def run(self, config: GreetConfig, input: JsonValue, ctx: Context) -> JsonValue:
        return "hello"
'''
FIRST_WAVE = {
    "trigger.manual",
    "trigger.webhook",
    "http.request",
    "filter",
    "branch",
    "set",
    "delay",
    "merge",
    "code.python",
}


def test_finds_every_built_in_node() -> None:
    registry = discover(installed=False)
    assert {entry.type.type for entry in registry} >= FIRST_WAVE
    assert all(entry.type.broken is None for entry in registry)
    assert registry.type_of("filter").outputs == ["main", "rejected"]
    assert registry.type_of("branch").ports({"cases": [{"label": "large"}]}) == ["large", "else"]
    assert registry.type_of("trigger.webhook").is_trigger
    assert registry.type_of("trigger.webhook").fires_itself
    assert not registry.type_of("trigger.manual").fires_itself
    assert registry.type_of("trigger.webhook").poll_every_s is None


def test_discovery_imports_no_heavy_library() -> None:
    heavy = ("pydantic_monty", "langchain", "langgraph", "telegram", "aiosmtplib", "sqlalchemy", "fastapi", "reflex")
    program = (
        "import sys; from executor.registry import discover; discover(); "
        f"print([name for name in sys.modules if name.partition('.')[0] in {heavy}])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_in_the_folder_is_a_node(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "json.py").write_text(GOOD)
    (tmp_path / "_shared.py").write_text("raise RuntimeError('left alone')")
    registry = discover(tmp_path, installed=False)
    assert registry.get("demo.greet").title == "Greet"
    assert sys.modules["json"].__name__ == "json"


@pytest.mark.parametrize(
    ("source", "expected_type", "said"),
    [
        (GOOD.replace("from executor.node", "import not_there\nfrom executor.node"), "demo.greet", "No module named 'not_there' (line 2)"),
        (GOOD + "def broken(:\n", "bad_file", "SyntaxError: invalid syntax (line 12)"),
        (GOOD + "1 / 0\n", "demo.greet", "ZeroDivisionError: division by zero (line 12)"),
        (GOOD + "import sys; sys.exit(3)\n", "demo.greet", "SystemExit: 3 (line 12)"),
        ("x = 1\n", "bad_file", "exactly one subclass of Node[Config]; found none"),
        (GOOD + GOOD.replace("class Greet(", "class Again("), "demo.greet", "found Greet, Again"),
        (GOOD.replace("async def run", "async def go"), "demo.greet", "Greet has no method `run`"),
        (GOOD.replace("    type, title", "    kind, title"), "bad_file", "Greet does not say `type`"),
        (GOOD.replace('"demo.greet"', '"Demo Greet"'), "broken_demo_greet", "must be lower-case words"),
        (GOOD.replace('    """Says hello."""\n', ""), "demo.greet", "no docstring"),
        (GOOD.replace("Node[GreetConfig]", "Node"), "demo.greet", "a config: class …(Node[Config])"),
        (GOOD.replace("    async", '    outputs = ("error",)\n    async'), "demo.greet", "“error” is the engine's"),
    ],
)
def test_a_broken_plug_in_is_listed_with_its_error(tmp_path: Path, source: str, expected_type: str, said: str) -> None:
    (tmp_path / "bad_file.py").write_text(source)
    registry = discover(tmp_path, installed=False)
    (broken,) = [listed for listed in registry.catalogue() if listed.broken]
    assert said in str(broken.broken)
    assert "bad_file.py" in str(broken.broken)
    assert broken.type == expected_type
    with pytest.raises(UnknownNodeType, match="is broken"):
        registry.get(broken.type)
    assert expected_type not in registry


def test_a_folder_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    (broken,) = [listed for listed in discover(tmp_path / "gone", installed=False).catalogue() if listed.broken]
    assert "TRESTLE_NODES_DIR is no folder" in str(broken.broken)


def test_a_broken_built_in_stops_the_executor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone.py").write_text("this is no Python")
    monkeypatch.setattr(loading, "BUILT_IN", tmp_path)
    with pytest.raises(BrokenNode, match=r"gone\.py"):
        discover(installed=False)


def test_one_type_in_two_files_stops_the_executor(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(GOOD)
    (tmp_path / "two.py").write_text(GOOD)
    with pytest.raises(DuplicateNodeType, match=r"demo\.greet.*one\.py.*two\.py"):
        discover(tmp_path, installed=False)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(UnknownNodeType, match=r"nothing\.here"):
        discover(installed=False).get("nothing.here")


def test_entry_points_of_installed_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("greet_package")
    exec(compile(GOOD, "greet_package.py", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "greet_package", module)
    points = [
        EntryPoint("greet", "greet_package:Greet", loading.ENTRY_POINTS),
        EntryPoint("gone", "greet_package:Gone", loading.ENTRY_POINTS),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: EntryPoints(points))
    registry = discover()
    assert "demo.greet" in registry
    (broken,) = [listed for listed in registry.catalogue() if listed.broken]
    assert broken.type == "gone"
    assert "entry point gone" in str(broken.broken)

"""The scripts among the Python modules: found by the pages, and all of them in the bundle."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.conftest import KEY
from web import bundle

WEB = Path(bundle.__file__).parent

# Walking up its callers is what Reflex does for each file that is declared as a shared asset.
START = """
import inspect
def stack(*_, **__): raise AssertionError("a start looks through call stacks")
inspect.stack = stack
from web.__main__ import prepare
from web.services import services
prepare(services().settings)
import web.app
"""


def test_every_script_is_staged_where_pages_and_other_scripts_look_for_it(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    bundle.stage(assets)
    assert (assets / "session.js").is_file()
    staged = {path for path in assets.rglob("*.js*") if "external" in path.parts}
    sources = [path for path in WEB.rglob("*.js*") if WEB / "assets" not in path.parents]
    assert len(sources) > 50
    assert staged == {assets / bundle.importable(path).removeprefix("$/public/") for path in sources}
    for path in staged:
        for other in re.findall(r"""from ["'](\.[^"']+)["']|import ["'](\.[^"']+)["']""", path.read_text()):
            assert (path.parent / "".join(other)).is_file(), f"{path.name} imports {''.join(other)}"


def test_a_script_that_is_not_there_is_noticed_at_once() -> None:
    with pytest.raises(FileNotFoundError, match=r"no_such\.jsx"):
        bundle.importable(WEB / "components" / "no_such.jsx")


def test_a_start_looks_through_no_call_stacks(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "stamp").write_text("")
    env = {"TRESTLE_WEB_KEY": KEY, "TRESTLE_WEB_BUILD": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run([sys.executable, "-c", START], cwd=WEB.parent, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr

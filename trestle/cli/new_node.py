"""`python -m trestle node NAME`: write the file of a new node."""

from __future__ import annotations

import keyword
import os
import re
import sys
from pathlib import Path

from trestle.cli.errors import LaunchError
from trestle.cli.services import PROJECT

_NAME = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")

_SKELETON = '''"""`{type}`: say here what it does."""

from pydantic import Field

from executor.node import Config as Base
from executor.node import Context, JsonValue, Node


class Config(Base):
    """What a person fills in; the editor draws its form from it."""

    text: str = Field("Hello", title="Text", description="May hold an expression, such as {{{{ payload.name }}}}")


class {class_name}(Node[Config]):
    """Say here what it does: the palette shows it."""

    type, title, group, icon = "{type}", "{title}", "{group}", "box"
    effect = "pure"  # the same output for the same input; leave this line out where the node changes something in the world

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        """The output, as JSON."""
        return {{"text": config.text}}
'''


def new_node(name: str, folder: Path | None = None) -> int:
    """Write `NAME.py` into TRESTLE_NODES_DIR, else into executor/nodes. NAME is the type: `shout`, or with a group `text.shout`.

    Raises LaunchError for a name that cannot be one, and for a file that is there already.
    """
    words = re.split(r"[._]", name)
    if not _NAME.match(name) or any(keyword.iskeyword(word) for word in words):
        raise LaunchError(f"{name!r} can't be a node's name: use small letters, digits and _, such as `shout` or `text.shout`.")
    group, _, last = name.rpartition(".")
    own = os.environ.get("TRESTLE_NODES_DIR")
    place = folder or (Path(own) if own else PROJECT / "executor" / "nodes" / (group or "own"))
    path = place / f"{name.replace('.', '_') if own else last}.py"
    if path.exists():
        raise LaunchError(f"{path} is there already: choose another name, or edit that file.")
    title = last.replace("_", " ").capitalize()
    place.mkdir(parents=True, exist_ok=True)
    if not own and not (place / "__init__.py").exists():
        (place / "__init__.py").write_text(f'"""Nodes of the group {group or "own"}."""\n')
    class_name = "".join(word.capitalize() for word in words)
    path.write_text(_SKELETON.format(title=title, class_name=class_name, type=name, group=(group or "own").capitalize()))
    sys.stdout.write(f"Wrote {path}. Start Trestle again, and {title!r} is in the palette.\n")
    return 0

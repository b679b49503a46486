"""The templates of a folder, read once."""

from functools import cache
from pathlib import Path

import structlog
from pydantic import Field, ValidationError

from backend.errors import Error
from backend.json_body import decode
from backend.workflows.layout import place
from backend.workflows.yaml_text import parse
from trestle.contracts.base import JsonValue, Request
from trestle.contracts.graph import NOTE, Position, impossible
from trestle.contracts.templates import Template, ToFill
from trestle.contracts.workflows import Document

log = structlog.get_logger(__name__)

FOLDER = Path(__file__).parent
SUFFIXES = (".yaml", ".json")


class File(Request):
    """What stands in a template's file. Lower `order` is shown first; nodes without positions are arranged."""

    title: str = Field(min_length=1, max_length=100)
    description: str = Field(min_length=1)
    group: str = Field(min_length=1, max_length=50)
    order: int = 1000
    fill_in: list[ToFill] = Field(default_factory=list)
    sample: JsonValue = None
    document: Document


def read(path: Path) -> tuple[int, Template]:
    """The template of one file, with its order. Raises ValueError (or backend.errors.Error) that says what is wrong with it."""
    content = path.read_bytes()
    file = File.model_validate(decode(content) if path.suffix == ".json" else parse(content))
    document = file.document
    if wrong := impossible(document.nodes, document.connections):
        raise ValueError(wrong[0].message)
    known = {node.key for node in document.nodes}
    if strangers := {need.node for need in file.fill_in} - known:
        raise ValueError(f"fill_in names nodes that are not in the document: {', '.join(sorted(strangers))}")
    if all(node.position == Position() for node in document.nodes):
        place(document.nodes, [(link.source, link.target) for link in document.connections])
    return file.order, Template(
        name=path.stem,
        title=file.title,
        description=file.description,
        group=file.group,
        node_types=sorted({node.type for node in document.nodes} - {NOTE}),
        credential_types=sorted({need.credential for need in file.fill_in if need.credential}),
        fill_in=file.fill_in,
        sample=file.sample,
        document={
            "trestle": 1,
            **document.model_dump(mode="json", exclude_unset=True, exclude={"trestle", "nodes"}),
            "nodes": _nodes(file),
        },
    )


def _nodes(file: File) -> list[JsonValue]:
    # What the file leaves out stays out; but where a node stands is always said, and at the node what is to be filled in.
    needs = {need.node: need.what for need in file.fill_in}
    drawn = []
    for node in file.document.nodes:
        said = {"notes": needs[node.key]} if node.key in needs and not node.notes else {}
        drawn.append({**node.model_dump(mode="json", exclude_unset=True), **said, "position": node.position.model_dump(mode="json")})
    return drawn


@cache
def templates(folder: Path = FOLDER) -> tuple[Template, ...]:
    """All of a folder, in their order. One that can't be read is left out, and the log says why."""
    found: list[tuple[int, Template]] = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in SUFFIXES:
            continue
        try:
            found.append(read(path))
        except (ValidationError, ValueError, OSError, Error) as error:
            log.warning("a template was left out", file=path.name, why=str(error))
    return tuple(template for _, template in sorted(found, key=lambda one: (one[0], one[1].title)))

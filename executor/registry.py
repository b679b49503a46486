"""The set of nodes that this executor can run, and the catalogue that it sends to the backend."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.errors import PydanticUserError

from executor.errors import BrokenNode, DuplicateNodeType, UnknownNodeType
from executor.loading import Loaded, built_in, from_entry_points, from_folder
from executor.node import Node, PollingTrigger
from trestle.contracts.graph import ERROR
from trestle.contracts.node_types import CREDENTIAL, NodeType

TYPE_PATTERN = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


@dataclass(frozen=True)
class Entry:
    """A node type, the instance that runs it (None where it is broken), and where it came from."""

    type: NodeType
    node: Node[Any] | None
    source: str


class Registry:
    """Node types by name. Immutable once built."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            known = self._entries.setdefault(entry.type.type, entry)
            if known is not entry:
                raise DuplicateNodeType(f"Two nodes have the type “{entry.type.type}”: {known.source} and {entry.source}. Rename one.")

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __contains__(self, type: str) -> bool:
        entry = self._entries.get(type)
        return entry is not None and entry.node is not None

    def get(self, type: str) -> Node[Any]:
        """The node that runs steps of this type. Raises `UnknownNodeType`, which says why there is none."""
        entry = self._entries.get(type)
        if entry is None:
            raise UnknownNodeType(f"No node of the type “{type}” is installed in this executor.")
        if entry.node is None:
            raise UnknownNodeType(f"The node “{type}” ({entry.source}) is broken: {entry.type.broken}")
        return entry.node

    def type_of(self, type: str) -> NodeType:
        """What the node type says of itself. Raises `UnknownNodeType`."""
        self.get(type)
        return self._entries[type].type

    def catalogue(self) -> list[NodeType]:
        """Every type, broken ones too, sorted by name."""
        return [self._entries[name].type for name in sorted(self._entries)]

    async def close(self) -> None:
        """Closes every node. Call it when no step runs any more."""
        for entry in self:
            if entry.node is not None:
                await entry.node.close()


def discover(nodes_dir: Path | None = None, *, installed: bool = True) -> Registry:
    """Loads the built-in nodes, the files in `nodes_dir`, and the `trestle.nodes` entry points of installed packages.

    Raises `BrokenNode` for a built-in that doesn't load, and `DuplicateNodeType`. A plug-in that doesn't load is an entry
    with `broken` set, so that the palette can show why.
    """
    entries = [_entry(loaded) for loaded in built_in()]
    plug_ins = [*(from_folder(nodes_dir) if nodes_dir else ()), *(from_entry_points() if installed else ())]
    for loaded in plug_ins:
        try:
            entries.append(_entry(loaded))
        except BrokenNode as error:
            entries.append(_broken(loaded, str(error)))
    return Registry(entries)


def describe(node: Node[Any]) -> NodeType:
    """What a node says of itself. Raises `BrokenNode`, naming the rule that it breaks."""
    cls = type(node)
    for name in ("type", "title", "group", "icon", "config_class"):
        if not hasattr(cls, name):
            what = "a config: class …(Node[Config])" if name == "config_class" else f"`{name}`"
            raise BrokenNode(f"{cls.__name__} does not say {what}.")
    if not TYPE_PATTERN.fullmatch(node.type):
        raise BrokenNode(f"The type “{node.type}” must be lower-case words joined by dots, like “mail.send”.")
    if not (cls.__doc__ or "").strip():
        raise BrokenNode(f"{cls.__name__} has no docstring: it is what the palette says of the node.")
    ports = list(node.outputs)
    if len(set(ports)) < len(ports) or ERROR in ports:
        raise BrokenNode(f"The ports {ports} must differ from one another, and “{ERROR}” is the engine's.")
    try:
        schema = _with_marks_outside(node.config_class.model_json_schema())
    except PydanticUserError as error:
        raise BrokenNode(f"The config has no JSON Schema: {error}") from error
    return NodeType(
        type=node.type,
        version=node.version,
        title=node.title,
        group=node.group,
        description=" ".join((cls.__doc__ or "").strip().split("\n\n")[0].split()),
        icon=node.icon,
        config_schema=schema,
        inputs=list(node.inputs),
        outputs=ports,
        ports_from=node.ports_from,
        credential_types=sorted(set(_credential_types(schema))),
        effect=node.effect,
        summary=node.summary,
        example=dict(node.example),
        fires_itself=node.fires_itself,
        poll_every_s=node.poll_every_s if isinstance(node, PollingTrigger) else None,
    )


def _entry(loaded: Loaded) -> Entry:
    if loaded.node is None:
        raise BrokenNode(f"{loaded.source}: {loaded.problem}")
    try:
        return Entry(describe(loaded.node), loaded.node, loaded.source)
    except (BrokenNode, ValueError) as error:
        raise BrokenNode(f"{loaded.source}: {error}") from error


def _broken(loaded: Loaded, problem: str) -> Entry:
    name = loaded.type if TYPE_PATTERN.fullmatch(loaded.type) else "broken_" + re.sub(r"[^a-z0-9]+", "_", loaded.type.lower()).strip("_")
    listed = NodeType(
        type=name,
        title=name,
        group="Broken",
        description="This node could not be loaded.",
        icon="triangle-alert",
        config_schema={"type": "object"},
        effect="unsafe",
        broken=problem,
    )
    return Entry(listed, None, loaded.source)


def _credential_types(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get(CREDENTIAL, ())
        for part in schema.values():
            yield from _credential_types(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _credential_types(part)


def _with_marks_outside(schema: Any) -> Any:
    """Marks of an optional field's inner type, copied to the field itself, where a form looks for them."""
    if isinstance(schema, list):
        return [_with_marks_outside(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    drawn = {key: _with_marks_outside(part) for key, part in schema.items()}
    for part in drawn.get("anyOf", ()):
        drawn.update({key: value for key, value in part.items() if key.startswith("x-")} if isinstance(part, dict) else {})
    return drawn

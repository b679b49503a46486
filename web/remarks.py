"""What an import says of a document, in the words that the person sees: nodes by their names, fields by their titles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trestle.contracts.base import JsonObject
from trestle.contracts.graph import Node
from trestle.contracts.imports import Converted, Imported
from trestle.contracts.node_types import NodeType
from trestle.contracts.problems import FieldError


@dataclass
class Remark:
    """Something about an imported document that somebody has to look at."""

    where: str
    what: str


def remarks(answer: Imported | Converted, types: Iterable[NodeType] = ()) -> list[Remark]:
    """What found no place first, then what is to be filled in."""
    nodes = answer.nodes if isinstance(answer, Converted) else answer.workflow.nodes
    by_type = {kind.type: kind for kind in types}
    lost = [Remark(part.where or part.path, part.reason) for part in answer.unmapped]
    return lost + [_of_problem(problem, nodes, by_type) for problem in answer.problems]


def _of_problem(problem: FieldError, nodes: Iterable[Node], types: Mapping[str, NodeType]) -> Remark:
    node = next((one for one in nodes if one.key == problem.node), None)
    if node is None:
        return Remark("The workflow", problem.message)
    kind = types.get(node.type)
    where = f"Node “{node.name or (kind.title if kind else node.key)}”"
    if kind is None or problem.loc[:1] != ["config"] or len(problem.loc) < 2:
        return Remark(where, problem.message)
    path = problem.loc[1:]
    return Remark(where, " › ".join(titles(path, kind.config_schema)) + rest if (rest := _rest(path, problem.message)) else problem.message)


def _rest(path: Sequence[str | int], message: str) -> str:
    """A problem's message without the field that it begins with (`cases[0].label: …`); empty where it begins otherwise."""
    begins = ""
    for part in path:
        begins += f"[{part}]" if isinstance(part, int) else f".{part}" if begins else part
    return message.removeprefix(begins) if message.startswith(begins) else ""


def titles(path: Sequence[str | int], schema: JsonObject) -> list[str]:
    """The titles of the fields on the way through a JSON Schema; what it doesn't know keeps its name, entries are counted from 1."""
    found: list[str] = []
    within: list[Any] = [schema]
    for part in path:
        shapes = [shape for one in within for shape in _shapes(one, schema.get("$defs", {}))]
        if isinstance(part, int):
            found.append(str(part + 1))
            within = [shape["items"] for shape in shapes if isinstance(shape.get("items"), dict)]
            continue
        within = [shape["properties"][part] for shape in shapes if part in shape.get("properties", {})]
        found.append(next((one["title"] for one in within if one.get("title")), part))
    return found


def _shapes(schema: JsonObject, shared: JsonObject) -> Iterable[JsonObject]:
    """A schema and its variants, with what they refer to."""
    yield schema
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _shapes(inner, shared)
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in shared:
        yield from _shapes(shared[name], shared)

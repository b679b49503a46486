"""The catalogue: the union of what the live executors offer; the last known while none lives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from jsonschema import Draft202012Validator
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models import Executor
from trestle.contracts.node_types import NodeType

LIVE_WITHIN_S = 30
"""An executor heard within this time is alive."""
_ALIVE = text(
    "select id from executors where lane = 'main' and stopped_at is null and seen_at > now() - make_interval(secs => :within) order by id"
)
# Executors that were last heard at about the same time stopped together: their union is the last known catalogue.
_LAST_KNOWN = text(
    "select id from executors where lane = 'main' and seen_at > (select max(seen_at) from executors) - interval '1 minute' order by id"
)


@dataclass(frozen=True)
class NodeTypes:
    """The node types at one moment. Two with the same `key` are equal."""

    key: tuple[UUID, ...]
    by_type: Mapping[str, NodeType]
    _validators: dict[str, Draft202012Validator] = field(default_factory=dict, compare=False)

    def get(self, type_: str) -> NodeType | None:
        """The node type of this name, or None."""
        return self.by_type.get(type_)

    def validator(self, type_: str) -> Draft202012Validator:
        """Checks configs of this node type against its JSON Schema. Kept: building one takes longer than using it."""
        found = self._validators.get(type_)
        if found is None:
            found = self._validators[type_] = Draft202012Validator(self.by_type[type_].config_schema)
        return found

    @cached_property
    def sorted(self) -> list[NodeType]:
        """As the palette shows them: by group, then title."""
        return sorted(self.by_type.values(), key=lambda kind: (kind.group, kind.title, kind.type))


class Catalogue:
    """Remembers the node types until the set of live executors changes."""

    def __init__(self) -> None:
        self._known = NodeTypes((), {})

    async def current(self, session: AsyncSession) -> NodeTypes:
        """The node types now. An executor's catalogue never changes: a new process registers anew, with a new id."""
        alive = tuple((await session.scalars(_ALIVE, {"within": LIVE_WITHIN_S})).all())
        if not alive:
            alive = tuple((await session.scalars(_LAST_KNOWN)).all())
        if alive != self._known.key:
            rows = await session.scalars(select(Executor.catalogue).where(Executor.id.in_(alive)).order_by(Executor.id))
            self._known = NodeTypes(alive, union([[NodeType.model_validate(entry) for entry in row] for row in rows]))
        return self._known


def union(catalogues: list[list[NodeType]]) -> dict[str, NodeType]:
    """One entry a type: a working one before a broken one, then the highest version, then the one registered last."""
    found: dict[str, NodeType] = {}
    for kind in (kind for catalogue in catalogues for kind in catalogue):
        known = found.get(kind.type)
        if known is None or (kind.broken is None, kind.version) >= (known.broken is None, known.version):
            found[kind.type] = kind
    return found

"""`/node-types`."""

from backend.deps import CurrentUser, ServicesDep, Session
from backend.routing import router as new_router
from trestle.contracts.base import Page
from trestle.contracts.node_types import NodeType

router = new_router(tag="node types")


@router.get("/node-types")
async def node_types(parts: ServicesDep, session: Session, _: CurrentUser) -> Page[NodeType]:
    """The palette, by group and title. Always one page."""
    return Page(items=(await parts.catalogue.current(session)).sorted)

"""`/templates`."""

from backend.deps import CurrentUser
from backend.routing import router as new_router
from backend.templates import library
from trestle.contracts.base import Page
from trestle.contracts.templates import Template

router = new_router(tag="templates")


@router.get("/templates")
def templates(_: CurrentUser) -> Page[Template]:
    """Workflows to begin with, those for newcomers first. Always one page; `document` goes to POST /workflows/import."""
    return Page(items=list(library.templates()))

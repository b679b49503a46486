"""`/healthz` and `/readyz`."""

from typing import Annotated, Literal

from fastapi import Depends, Query

from backend.deps import ServicesDep, public
from backend.errors import Unavailable
from backend.health import service
from backend.routing import router as new_router

router = new_router(tag="health")


@router.get("/healthz", dependencies=[Depends(public)])
async def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "alive"}


@router.get("/readyz", dependencies=[Depends(public)])
async def readyz(parts: ServicesDep, for_: Annotated[Literal["traffic"] | None, Query(alias="for")] = None) -> dict[str, str]:
    """Database, queue and a live executor are there; 503 and why otherwise. `?for=traffic` asks for the database alone."""
    missing = await service.unready(parts, traffic_only=for_ == "traffic")
    if missing:
        raise Unavailable(" ".join(missing))
    return {"status": "ready"}

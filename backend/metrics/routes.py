"""`/metrics`, at the root. Open, like the other addresses for monitors: it tells numbers of the whole instance, and no names."""

from fastapi import Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST

from backend.deps import ServicesDep, public
from backend.routing import router as new_router

router = new_router(tag="health")


@router.get("/metrics", dependencies=[Depends(public)], response_class=Response)
async def metrics(parts: ServicesDep) -> Response:
    """Prometheus' text: executions by status, the queue, live executors, and what this process has counted."""
    return Response(await parts.monitor.text(), media_type=CONTENT_TYPE_LATEST)

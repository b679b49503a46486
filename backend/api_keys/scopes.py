"""Which scope a call with an API key needs. Deny by default: what is not listed here can't be called with a key.

So are, on purpose: accounts and sign-in, invitations, the audit, notifications, other projects, and API keys themselves.
"""

from collections.abc import Mapping

from starlette.requests import Request

from backend.errors import Forbidden
from backend.models import ApiKey
from trestle.contracts.api_keys import ApiScope

_CALLS: Mapping[ApiScope, tuple[str, ...]] = {
    ApiScope.WORKFLOWS_READ: (
        "GET /workflows",
        "GET /workflows/labels",
        "GET /workflows/{workflow_id}",
        "POST /workflows/{workflow_id}/validate",
        "GET /workflows/{workflow_id}/versions",
        "GET /workflows/{workflow_id}/versions/{number}",
        "GET /workflows/{workflow_id}/versions/{first}/diff/{second}",
        "GET /workflows/{workflow_id}/export",
        "GET /workflows/{workflow_id}/inputs",
        "GET /node-types",
        "GET /templates",
        "GET /credential-types",
        "GET /webhooks",
        "GET /schedules",
        "POST /schedules/preview",
        "GET /variables",
    ),
    ApiScope.WORKFLOWS_WRITE: (
        "POST /workflows",
        "POST /workflows/import",
        "PATCH /workflows/{workflow_id}",
        "DELETE /workflows/{workflow_id}",
        "PUT /workflows/{workflow_id}/graph",
        "POST /workflows/{workflow_id}/operations",
        "POST /workflows/{workflow_id}/publish",
        "POST /workflows/{workflow_id}/versions/{number}/restore",
        "POST /workflows/{workflow_id}/inputs",
        "DELETE /workflows/{workflow_id}/inputs/{input_id}",
        "POST /workflows/{workflow_id}/nodes",
        "PATCH /nodes/{node_id}",
        "DELETE /nodes/{node_id}",
        "POST /workflows/{workflow_id}/connections",
        "DELETE /connections/{connection_id}",
        "POST /variables",
        "PATCH /variables/{variable_id}",
        "DELETE /variables/{variable_id}",
    ),
    ApiScope.EXECUTIONS_READ: (
        "GET /workflows/{workflow_id}/executions",
        "GET /workflows/{workflow_id}/events",
        "POST /workflows/{workflow_id}/preview",
        "GET /executions",
        "GET /executions/{execution_id}",
        "GET /executions/{execution_id}/steps",
        "GET /executions/{execution_id}/steps/{step_id}",
        "GET /executions/{execution_id}/steps/{step_id}/{part}",
        "GET /executions/{execution_id}/graph",
        "GET /executions/{execution_id}/logs",
        "GET /executions/{execution_id}/events",
        "GET /executions/{execution_id}/blobs/{blob_id}",
        "GET /stats",
    ),
    ApiScope.EXECUTIONS_RUN: (
        "POST /workflows/{workflow_id}/execute",
        "POST /workflows/{workflow_id}/listen",
        "DELETE /workflows/{workflow_id}/listen",
        "POST /executions/{execution_id}/cancel",
        "POST /executions/{execution_id}/pause",
        "POST /executions/{execution_id}/resume",
        "POST /executions/{execution_id}/retry",
        "POST /executions/{execution_id}/replay",
        "DELETE /executions/{execution_id}",
        "POST /executions/delete",
    ),
    ApiScope.CREDENTIALS_WRITE: (
        "GET /credentials",
        "POST /credentials",
        "GET /credentials/{credential_id}",
        "PATCH /credentials/{credential_id}",
        "DELETE /credentials/{credential_id}",
        "POST /credentials/test",
        "POST /credentials/{credential_id}/test",
        "GET /credentials/{credential_id}/usage",
        "GET /credentials/oauth2/authorize",
        "POST /credentials/{credential_id}/disconnect",
    ),
    ApiScope.EVENTS_WRITE: ("POST /events",),
    ApiScope.ADMIN: (
        "GET /projects",
        "GET /projects/{project_id}",
        "PATCH /projects/{project_id}",
        "PUT /projects/{project_id}/members/{user_id}",
        "DELETE /projects/{project_id}/members/{user_id}",
    ),
}

NEEDED: Mapping[str, ApiScope] = {call: scope for scope, calls in _CALLS.items() for call in calls}
"""The scope by method and path below `/api/v1`."""


def check(request: Request, key: ApiKey) -> None:
    """Raises Forbidden unless the key's scopes cover this call."""
    needed = NEEDED.get(f"{request.method} {request.scope['route'].path}")
    if needed is None:
        raise Forbidden("This can't be called with an API key. Sign in, and send the access token instead.")
    if needed not in key.scopes and ApiScope.ADMIN not in key.scopes:
        raise Forbidden(f"This needs the scope {needed}; the key “{key.name}” has {', '.join(key.scopes)}. Make a key with that scope.")

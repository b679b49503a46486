"""Addresses at which waiting steps are answered. Made when they are shown, never stored."""

from uuid import UUID

from backend.settings import Settings
from trestle.contracts.base import JsonObject
from trestle.contracts.resume_tokens import Bearer, TokenKind, resume_key, token


def links(settings: Settings, execution_id: UUID, node: str, item: int | None, waits_for: str | None) -> JsonObject:
    """`{resume_url}` of a step that waits for a call, `{approve_url, reject_url}` of one that waits for a decision, else nothing."""
    if waits_for == "webhook":
        return {"resume_url": f"{settings.base_url}/resume/{_token(settings, execution_id, node, item, 'webhook')}"}
    if waits_for == "approval":
        page = f"{settings.base_url}/approvals/{_token(settings, execution_id, node, item, 'approval')}"
        return {"approve_url": f"{page}?decision=approved", "reject_url": f"{page}?decision=rejected"}
    return {}


def _token(settings: Settings, execution_id: UUID, node: str, item: int | None, kind: TokenKind) -> str:
    return token(resume_key(settings.secret_key.get_secret_value(), execution_id), Bearer(execution_id, node, item, kind))

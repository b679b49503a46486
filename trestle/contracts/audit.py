"""What was done, by whom, when and from where."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from trestle.contracts.base import JsonObject, Model


class Action(StrEnum):
    """What is written down. The part before the dot says of what kind the subject is."""

    SIGNED_IN = "session.signed_in"
    SIGN_IN_FAILED = "session.failed"
    SESSIONS_ENDED = "session.others_ended"
    PASSWORD_CHANGED = "session.password_changed"  # noqa: S105 - names an action
    SECOND_FACTOR_ON = "session.second_factor_on"
    SECOND_FACTOR_OFF = "session.second_factor_off"
    RECOVERY_CODES_MADE = "session.recovery_codes_made"
    USER_REGISTERED = "user.registered"
    USER_CHANGED = "user.changed"
    USER_INVITED = "user.invited"
    SECOND_FACTOR_RESET = "user.second_factor_reset"
    PROJECT_CREATED = "project.created"
    PROJECT_CHANGED = "project.changed"
    PROJECT_DELETED = "project.deleted"
    MEMBER_SET = "member.set"
    MEMBER_REMOVED = "member.removed"
    WORKFLOW_CREATED = "workflow.created"
    WORKFLOW_CHANGED = "workflow.changed"
    WORKFLOW_PUBLISHED = "workflow.published"
    WORKFLOW_ENABLED = "workflow.enabled"
    WORKFLOW_DISABLED = "workflow.disabled"
    WORKFLOW_RESTORED = "workflow.restored"
    WORKFLOW_DELETION_BEGUN = "workflow.deletion_begun"
    WORKFLOW_DELETED = "workflow.deleted"
    CREDENTIAL_CREATED = "credential.created"
    CREDENTIAL_CHANGED = "credential.changed"
    CREDENTIAL_TESTED = "credential.tested"
    CREDENTIAL_CONNECTED = "credential.connected"
    CREDENTIAL_DISCONNECTED = "credential.disconnected"
    CREDENTIAL_DELETED = "credential.deleted"
    API_KEY_CREATED = "api_key.created"
    API_KEY_DELETED = "api_key.deleted"
    VARIABLE_CREATED = "variable.created"
    VARIABLE_CHANGED = "variable.changed"
    VARIABLE_DELETED = "variable.deleted"
    EXECUTION_CANCELLED = "execution.cancelled"
    EXECUTION_RETRIED = "execution.retried"
    EXECUTION_REPLAYED = "execution.replayed"
    EXECUTION_DELETED = "execution.deleted"


class AuditEntry(Model):
    """One thing that was done. `who` and `subject` are names as they were then; `api_key` names the key where one was used.

    `details` say what a person would ask next (a version's number, a role, names of changed fields), and never hold a secret.
    """

    id: UUID
    at: datetime
    user_id: UUID | None
    who: str
    api_key: str | None
    address: str
    action: str
    subject_id: UUID | None
    subject: str
    project_id: UUID | None
    details: JsonObject

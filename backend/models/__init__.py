"""The tables, one module a subject. `Base.metadata` knows them all."""

from backend.models.administration import ApiKey, AuditEntry, Variable
from backend.models.base import Base
from backend.models.blobs import Blob, BlobChunk, BlobUse
from backend.models.credentials import Credential, OAuth2Grant, OAuth2State
from backend.models.executions import Execution, IdempotencyKey, LogLine, Resolution, Step, WebhookAnswer
from backend.models.executors import Executor
from backend.models.memories import Memory
from backend.models.notifications import Notification
from backend.models.people import LoginFailure, Membership, Project, RecoveryCode, RefreshToken, SecondFactor, User
from backend.models.statistics import Tallied, Tally
from backend.models.triggers import Firing, Listener, SavedInput, Trigger, WebhookRoute
from backend.models.workflows import Connection, Node, Operation, Snapshot, Version, Workflow

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Base",
    "Blob",
    "BlobChunk",
    "BlobUse",
    "Connection",
    "Credential",
    "Execution",
    "Executor",
    "Firing",
    "IdempotencyKey",
    "Listener",
    "LogLine",
    "LoginFailure",
    "Membership",
    "Memory",
    "Node",
    "Notification",
    "OAuth2Grant",
    "OAuth2State",
    "Operation",
    "Project",
    "RecoveryCode",
    "RefreshToken",
    "Resolution",
    "SavedInput",
    "SecondFactor",
    "Snapshot",
    "Step",
    "Tallied",
    "Tally",
    "Trigger",
    "User",
    "Variable",
    "Version",
    "WebhookAnswer",
    "WebhookRoute",
    "Workflow",
]

"""Secrets for the steps that name them: asked of the backend, kept in memory for at most 30 s, never written."""

import time
from http import HTTPStatus
from uuid import UUID

from executor.api import Api, BackendAway, BackendRefused
from executor.desk import detail
from executor.errors import CredentialRefused, NodeError
from trestle.contracts.jobs import Job, Secret, SecretRequest

KEPT_S = 30.0

_Key = tuple[UUID, str, str, UUID]


class Vault:
    """This process's secrets. Whoever asks again within 30 s for the same node of the same snapshot and project is not asked for."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._kept: dict[_Key, tuple[float, Secret]] = {}

    def of(self, job: Job) -> "JobSecrets":
        """The secrets that one execution may have."""
        return JobSecrets(self, job)

    async def get(self, job: Job, node: str, credential_id: UUID, refused: int | None = None) -> Secret:
        """The credential. Raises `CredentialRefused`, or a retryable `NodeError` while the backend, or who gives it, is away."""
        now = time.monotonic()
        key = (job.project_id, job.snapshot_id, node, credential_id)
        kept = self._kept.get(key)
        if kept is not None and kept[0] > now and (refused is None or kept[1].version != refused):
            return kept[1]
        self._kept = {known: value for known, value in self._kept.items() if value[0] > now}
        request = SecretRequest(execution_id=job.execution_id, epoch=job.epoch, node=node, credential_id=credential_id, refused=refused)
        try:
            secret = await self._api.secret(request)
        except BackendAway:
            message = "The credential can't be read: the backend does not answer."
            raise NodeError(message, hint="Let the node try again.", retryable=True, type="BackendAway") from None
        except BackendRefused as refusal:
            raise _refused(refusal) from None
        if node:  # a test asks for what the credential holds now
            self._kept[key] = (now + KEPT_S, secret)
        return secret


class JobSecrets:
    """What the engine of one execution asks (`executor.seams.Secrets`)."""

    def __init__(self, vault: Vault, job: Job) -> None:
        self._vault = vault
        self._job = job

    async def get(self, node: str, credential_id: UUID, refused: int | None = None) -> Secret:
        """The credential that this node names."""
        return await self._vault.get(self._job, node, credential_id, refused)


def _refused(refusal: BackendRefused) -> NodeError:
    if refusal.status == HTTPStatus.FAILED_DEPENDENCY:
        message = f"The credential's token can't be renewed now. {detail(refusal)}"
        return NodeError(message, hint="Let the node try again.", retryable=True, type="ProviderAway")
    if refusal.status == HTTPStatus.CONFLICT:  # people must do something about it
        hint = "Open the credential on the page Credentials: connect it again, or enter it anew."
        return CredentialRefused(f"The credential can't be used. {detail(refusal)}", hint=hint)
    why = "it does not exist any more" if refusal.status == HTTPStatus.NOT_FOUND else f"the backend answered {refusal.status}"
    return CredentialRefused(f"The credential can't be used: {why}.", hint="Choose another credential in the node's settings.")

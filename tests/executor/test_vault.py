"""What a step is told where the backend gives no secret, and when a kept one is given again."""

import json
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from executor.api import Api, BackendAway, BackendRefused
from executor.errors import CredentialRefused, NodeError
from executor.vault import Vault
from trestle.contracts.jobs import Job, Secret, SecretRequest

IDENT = UUID("0190e2a0-0000-7000-8000-000000000001")


class Answering:
    """A backend that answers one after the other."""

    def __init__(self, *answers: Secret | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[SecretRequest] = []

    async def secret(self, request: SecretRequest) -> Secret:
        """The next answer."""
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def token(version: int) -> Secret:
    """An OAuth2 secret."""
    return Secret(type="oauth2", data={"access_token": f"token-{version}"}, version=version)


def job() -> Job:
    """Some execution."""
    fields: dict[str, Any] = {"execution_id": uuid4(), "project_id": IDENT, "workflow_id": IDENT, "snapshot_id": "s", "version": 1}
    return Job(epoch=1, trigger={}, input="null", seed="00", attempt=1, created_at=datetime.now(UTC), **fields)


async def test_a_kept_secret_is_given_again_unless_it_was_refused() -> None:
    backend = Answering(token(1), token(2))
    secrets = Vault(cast(Api, backend)).of(job())
    assert [(await secrets.get("call", IDENT)).version for _ in range(3)] == [1, 1, 1]
    assert (await secrets.get("call", IDENT, 1)).version == 2
    assert (await secrets.get("call", IDENT, 1)).version == 2, "another step that was refused has what is new by now"
    assert (await secrets.get("call", IDENT)).version == 2
    assert [asked.refused for asked in backend.asked] == [None, 1]


@pytest.mark.parametrize(
    ("status", "retryable", "says", "hints"),
    [
        (424, True, "provider sleeps", "try again"),
        (409, False, "provider sleeps", "connect it again"),
        (404, False, "does not exist any more", "another credential"),
        (403, False, "answered 403", "another credential"),
    ],
)
async def test_each_refusal_says_what_helps(status: int, retryable: bool, says: str, hints: str) -> None:
    refusal = BackendRefused(status, json.dumps({"detail": "The provider sleeps."}))
    with pytest.raises(NodeError, match=says) as failed:
        await Vault(cast(Api, Answering(refusal))).of(job()).get("call", IDENT)
    assert (failed.value.retryable, hints in failed.value.hint) == (retryable, True)
    assert isinstance(failed.value, CredentialRefused) is not retryable


async def test_a_backend_that_is_away_comes_back() -> None:
    with pytest.raises(NodeError, match="does not answer") as failed:
        await Vault(cast(Api, Answering(BackendAway("gone")))).of(job()).get("call", IDENT)
    assert failed.value.retryable

"""The shapes of secrets as nodes get them. A subclass of `SecretData` is a credential type."""

import base64
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

from executor.errors import CredentialRefused, NodeError
from executor.http import HttpCall, call, host_of

if TYPE_CHECKING:
    from executor.node import Context

TEST_S = 10.0
"""How long a service may take to answer a test: less than the test itself."""
_REFUSALS = (401, 403)


class SecretData(BaseModel):
    """A decrypted credential, bound to the hosts that may get it. Never printed."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    credential_type: ClassVar[str]
    _allowed_hosts: tuple[str, ...] = PrivateAttr(())
    _version: int | None = PrivateAttr(None)

    async def test(self, ctx: "Context") -> str:
        """Asks the service whether it takes this credential, and says in a sentence what it answered. Raises `NodeError`.

        A type whose use nobody but its node can try out leaves it as it is.
        """
        raise NotImplementedError

    @classmethod
    def is_tested(cls) -> bool:
        """Whether there is a service to ask."""
        return cls.test is not SecretData.test

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return []

    def bind(self, allowed_hosts: list[str], version: int | None = None) -> None:
        """Set by the engine. No hosts: any host. `version`: of one that can be renewed."""
        self._allowed_hosts = tuple(host.lower().rstrip(".") for host in allowed_hosts)
        self._version = version

    @property
    def version(self) -> int | None:
        """Which one it is of those that follow one another; None for one that is never renewed."""
        return self._version

    def permits(self, host: str) -> bool:
        """Whether `host` may get this secret: it is named, or lies below a `*.` name, or none is named."""
        name = host.lower().rstrip(".")
        return not self._allowed_hosts or any(
            name.endswith(allowed[1:]) if allowed.startswith("*.") else name == allowed for allowed in self._allowed_hosts
        )

    def check_host(self, host: str) -> None:
        """Raises `CredentialRefused` where `host` may not get this secret."""
        if not self.permits(host):
            raise CredentialRefused(
                f"This credential may not be sent to {host}. It is bound to {', '.join(self._allowed_hosts)}.",
                hint="Choose another credential, or add the host to the credential's allowed hosts.",
            )


class SentSecret(SecretData):
    """A secret that goes along with HTTP requests as a header. It is tried out at an address that its owner names."""

    test_url: str | None = None

    def header(self) -> tuple[str, str]:
        """The header's name and value."""
        raise NotImplementedError

    async def test(self, ctx: "Context") -> str:
        """Calls that address with GET; what doesn't answer 2xx has not taken it."""
        if not self.test_url:
            raise NodeError("It has no address for the test.", hint="Give it one that answers only to whoever has this credential.")
        host = host_of(self.test_url)
        self.check_host(host)
        answer = await call(ctx.http, HttpCall("GET", self.test_url, headers=dict([self.header()]), timeout_s=TEST_S))
        if answer.status in _REFUSALS:
            raise NodeError(f"{host} does not take it: {answer.title}.", hint="Correct the secret, or ask the service what it may do.")
        if not answer.is_success:
            raise NodeError(f"{host} answered {answer.title}.", hint="Name an address for the test that exists and answers to GET.")
        return f"{host} takes it: {answer.title}."


class Bearer(SentSecret):
    """`Authorization: Bearer <token>`."""

    credential_type = "bearer"
    token: str

    def header(self) -> tuple[str, str]:
        """RFC 6750."""
        return "Authorization", f"Bearer {self.token}"


class Basic(SentSecret):
    """User name and password, as HTTP basic authentication."""

    credential_type = "basic"
    username: str
    password: str

    def header(self) -> tuple[str, str]:
        """RFC 7617."""
        return "Authorization", "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


class Header(SentSecret):
    """A header of any name with a secret value."""

    credential_type = "header"
    name: str
    value: str

    def header(self) -> tuple[str, str]:
        """As it is."""
        return self.name, self.value


class OAuth2(SecretData):
    """An access token from a provider, as `Authorization: Bearer <token>`. Trestle renews it: see `Context.secret`.

    The backend tries it out: it has what renews it, and nodes never get that.
    """

    credential_type = "oauth2"
    access_token: str

    def header(self) -> tuple[str, str]:
        """RFC 6750."""
        return "Authorization", f"Bearer {self.access_token}"


class Jwt(SecretData):
    """What verifies a JSON Web Token: a shared secret, or the issuer's public key."""

    credential_type = "jwt"
    algorithm: str
    secret: str | None = None
    public_key: str | None = None


class Hmac(SecretData):
    """The secret that signs a webhook's body; the previous one stays valid while senders are changed over."""

    credential_type = "hmac"
    secret: str
    previous_secret: str | None = None


def credential_types() -> dict[str, type[SecretData]]:
    """Every credential type that a loaded file defines, by name. Of two with one name, one that can be tested."""
    found: dict[str, type[SecretData]] = {}
    todo = SecretData.__subclasses__()
    while todo:
        shape = todo.pop()
        todo += shape.__subclasses__()
        name = getattr(shape, "credential_type", None)
        if name is not None and (name not in found or shape.is_tested()):
            found[name] = shape
    return found


def types_with_a_test() -> list[str]:
    """The names of those that can be tested, sorted."""
    return sorted(name for name, shape in credential_types().items() if shape.is_tested())

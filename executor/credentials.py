"""The shapes of secrets as nodes get them. A subclass of `SecretData` is a credential type."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

from executor.errors import CredentialRefused


class SecretData(BaseModel):
    """A decrypted credential, bound to the hosts that may get it. Never printed."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    credential_type: ClassVar[str]
    _allowed_hosts: tuple[str, ...] = PrivateAttr(())

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return []

    def bind(self, allowed_hosts: list[str]) -> None:
        """Set by the engine. Empty: any host."""
        self._allowed_hosts = tuple(host.lower().rstrip(".") for host in allowed_hosts)

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


class Bearer(SecretData):
    """`Authorization: Bearer <token>`."""

    credential_type = "bearer"
    token: str


class Basic(SecretData):
    """User name and password, as HTTP basic authentication."""

    credential_type = "basic"
    username: str
    password: str


class Header(SecretData):
    """A header of any name with a secret value."""

    credential_type = "header"
    name: str
    value: str


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

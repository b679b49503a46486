"""The backend's settings: read once, from the environment, refused where they are unsafe."""

from functools import cached_property
from typing import Annotated

from cryptography.fernet import Fernet
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from trestle.outbound import Policy, own_servers

MIN_KEY_BYTES = 32
_MIN_DIFFERENT_CHARACTERS = 10
_KNOWN = ("changeme", "change-me", "change_me", "secret-key", "your-secret", "example", "password", "placeholder")


class SettingsError(Exception):
    """A setting is missing or unsafe; the message names each and says what to do."""


def _strong(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if len(key.encode()) < MIN_KEY_BYTES:
        raise ValueError(f"is too short: use at least {MIN_KEY_BYTES} random bytes, for example from `openssl rand -hex 32`")
    if len(set(key)) < _MIN_DIFFERENT_CHARACTERS or any(word in key.lower() for word in _KNOWN):
        raise ValueError("is a known or guessable key: use random bytes, for example from `openssl rand -hex 32`")
    return value


def _fernet_keys(value: SecretStr) -> SecretStr:
    keys = [key.strip() for key in value.get_secret_value().split(",") if key.strip()]
    if not keys:
        raise ValueError("is empty: give at least one Fernet key, for example from `openssl rand -base64 32 | tr '+/' '-_'`")
    for key in keys:
        if len(set(key)) < _MIN_DIFFERENT_CHARACTERS:
            raise ValueError("holds a guessable key: use 32 random bytes each")
        try:
            Fernet(key)
        except ValueError as error:
            raise ValueError(
                "holds something that is no Fernet key: each is 32 random bytes in URL-safe base64, "
                "for example from `openssl rand -base64 32 | tr '+/' '-_'`"
            ) from error
    return value


class Settings(BaseSettings):
    """What the backend is told by its environment. Sizes are in bytes, times in seconds."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    database_url: str = Field(validation_alias="DATABASE_URL", pattern=r"^(postgresql(\+asyncpg)?|postgres)://")
    redis_url: str = Field(validation_alias="REDIS_URL", pattern=r"^(rediss?|unix)://")
    host: str = Field("127.0.0.1", validation_alias="TRESTLE_HOST")
    port: int = Field(8000, validation_alias="TRESTLE_BACKEND_PORT", ge=0, le=65535)
    public_url: str = Field("http://localhost:8000", validation_alias="TRESTLE_PUBLIC_URL", pattern=r"^https?://")
    web_url: str = Field("http://localhost:3000", validation_alias="TRESTLE_WEB_URL", pattern=r"^https?://")
    secret_key: Annotated[SecretStr, AfterValidator(_strong)] = Field(validation_alias="TRESTLE_SECRET_KEY")
    encryption_keys: Annotated[SecretStr, AfterValidator(_fernet_keys)] = Field(validation_alias="TRESTLE_ENCRYPTION_KEYS")
    executor_key: Annotated[SecretStr, AfterValidator(_strong)] = Field(validation_alias="TRESTLE_EXECUTOR_KEY")
    open_registration: bool = Field(False, validation_alias="TRESTLE_OPEN_REGISTRATION")
    allow_cidrs: str = Field("", validation_alias="TRESTLE_ALLOW_CIDRS")
    denied_addresses: str = Field("", validation_alias="TRESTLE_DENIED_ADDRESSES")
    max_body_bytes: int = Field(10_000_000, validation_alias="TRESTLE_MAX_BODY_BYTES", gt=0)
    max_internal_body_bytes: int = Field(64_000_000, validation_alias="TRESTLE_MAX_INTERNAL_BODY_BYTES", gt=0)
    max_blob_bytes: int = Field(200_000_000, validation_alias="TRESTLE_MAX_BLOB_BYTES", gt=0)
    max_queued: int = Field(100_000, validation_alias="TRESTLE_MAX_QUEUED", gt=0)
    webhook_rate: float = Field(5000, validation_alias="TRESTLE_WEBHOOK_RATE", ge=1)
    keep_days: int | None = Field(None, validation_alias="TRESTLE_KEEP_DAYS", ge=1)
    keep_count: int | None = Field(None, validation_alias="TRESTLE_KEEP_COUNT", ge=1)
    keep_bytes: int | None = Field(None, validation_alias="TRESTLE_KEEP_BYTES", ge=1)
    keep_audit_days: int = Field(400, validation_alias="TRESTLE_KEEP_AUDIT_DAYS", ge=1)
    keep_notification_days: int = Field(90, validation_alias="TRESTLE_KEEP_NOTIFICATION_DAYS", ge=1)
    keep_notifications: int = Field(1000, validation_alias="TRESTLE_KEEP_NOTIFICATIONS", ge=1)
    access_token_s: int = Field(900, validation_alias="TRESTLE_ACCESS_TOKEN_S", gt=0)
    refresh_token_s: int = Field(30 * 86_400, validation_alias="TRESTLE_REFRESH_TOKEN_S", gt=0)
    bcrypt_rounds: int = Field(12, validation_alias="TRESTLE_BCRYPT_ROUNDS", ge=4, le=16)

    @classmethod
    def read(cls) -> "Settings":
        """Settings from the environment. Raises SettingsError, which names every bad one without repeating its value."""
        try:
            settings = cls()
            _ = settings.outbound_policy  # a wrong range is told at the start
            return settings
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, e['loc']))} {_what(e)}" for e in error.errors(include_input=False, include_url=False)]
            raise SettingsError("The backend cannot start:\n  " + "\n  ".join(lines)) from None
        except ValueError as error:
            raise SettingsError(f"The backend cannot start:\n  {error}") from None

    @cached_property
    def dsn(self) -> str:
        """The database's address as asyncpg reads it."""
        return "postgresql://" + self.database_url.split("://", 1)[1]

    @cached_property
    def base_url(self) -> str:
        """The address under which callers reach this instance, without a slash at its end."""
        return self.public_url.rstrip("/")

    @cached_property
    def outbound_policy(self) -> Policy:
        """What the backend's own calls (to OAuth2 providers) may reach. Raises ValueError that names the setting that is wrong."""
        addresses = [address.strip() for address in self.denied_addresses.split(",") if address.strip()]
        own = own_servers([self.dsn, self.redis_url], addresses)
        return Policy.parse(self.allow_cidrs, [*own, (self.host, self.port)])

    @property
    def sign_up_url(self) -> str:
        """Where somebody who is invited makes an account."""
        return f"{self.web_url.rstrip('/')}/sign-up"

    @cached_property
    def fernet_keys(self) -> list[str]:
        """The encryption keys, the one that encrypts first."""
        return [key.strip() for key in self.encryption_keys.get_secret_value().split(",") if key.strip()]


def _what(error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return "is missing: set it in the environment (`make up` does so by itself)"
    return str(error["msg"]).removeprefix("Value error, ")

"""The web process's settings, read once from the environment."""

from pathlib import Path

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting is an environment variable with the prefix `TRESTLE_`."""

    model_config = SettingsConfigDict(env_prefix="TRESTLE_", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    """Address to listen on."""
    web_port: int = 3000
    """Port of the pages and of their event socket."""
    backend_url: str = "http://127.0.0.1:8000"
    """Where this process reaches the public API."""
    public_url: str = "http://localhost:8000"
    """The backend's address as the outside sees it: webhook URLs begin with it."""
    web_key: SecretStr
    """At least 32 bytes. The key of the session cookie is derived from it, so it must stay the same for people to stay signed in."""
    web_build: Path = Path(__file__).resolve().parent.parent / ".build" / "web"
    """Folder that `python -m web.build` wrote to."""

    @field_validator("web_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value().encode()) < 32:
            raise ValueError("TRESTLE_WEB_KEY needs at least 32 bytes; make one with `openssl rand -hex 32`")
        return value

    @field_validator("backend_url", "public_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

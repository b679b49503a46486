"""The executor's settings, read once from the environment."""

import os
import socket
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """What an executor needs to know of its surroundings. Times are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore")

    backend_url: str = Field("http://127.0.0.1:8000", alias="TRESTLE_BACKEND_URL", description="Where the backend listens")
    redis_url: str = Field("redis://127.0.0.1:6379/0", alias="REDIS_URL", description="The server that holds the list of ids")
    executor_key: str = Field(alias="TRESTLE_EXECUTOR_KEY", min_length=16, description="The shared secret with which an executor registers")
    name: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        alias="TRESTLE_EXECUTOR_NAME",
        description="How it is called in lists",
    )
    concurrency: int = Field(100, ge=1, le=500, alias="TRESTLE_EXECUTOR_CONCURRENCY", description="Executions run at the same time")
    nodes_dir: Path | None = Field(None, alias="TRESTLE_NODES_DIR", description="A folder of own node files")
    allow_cidrs: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        alias="TRESTLE_ALLOW_CIDRS",
        description="Address ranges inside the network that nodes may call, comma-separated",
    )
    denied_addresses: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        alias="TRESTLE_DENIED_ADDRESSES",
        description="host:port of servers that nodes may never call, comma-separated; backend and queue always belong to them",
    )
    drain_s: float = Field(25, ge=0, alias="TRESTLE_DRAIN_S", description="How long running steps may take to finish when it is stopped")

    @field_validator("allow_cidrs", "denied_addresses", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("nodes_dir", mode="before")
    @classmethod
    def _absent(cls, value: object) -> object:
        return value or None

    @field_validator("backend_url")
    @classmethod
    def _bare(cls, value: str) -> str:
        return value.rstrip("/")

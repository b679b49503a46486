"""What the application is made of at run time: built once by app.py, handed to routes by deps.py."""

from dataclasses import dataclass

from redis.asyncio import Redis

from backend.db import Database
from backend.security import Tokens
from backend.settings import Settings


@dataclass(frozen=True)
class Services:
    """The living parts. One instance for each application."""

    settings: Settings
    database: Database
    redis: Redis
    tokens: Tokens

"""Time-ordered ids (UUID version 7), for rows whose id is needed before they are stored. PostgreSQL makes the others."""

import os
import time
from datetime import datetime
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62


def new_id() -> UUID:
    """48 bits of Unix time in milliseconds, then 74 random bits (RFC 9562)."""
    random = int.from_bytes(os.urandom(10))
    high, low = random >> 68, random & ((1 << 62) - 1)
    return UUID(int=(time.time_ns() // 1_000_000) << 80 | _VERSION | high << 64 | _VARIANT | low)


def earliest_id(moment: datetime) -> UUID:
    """The smallest id that can have been made at `moment`: rows since then are those with an id from here on. Before 1970 none was made."""
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80 | _VERSION | _VARIANT)

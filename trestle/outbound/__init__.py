"""Calls to the outside, guarded against reaching the inside.

    async with OutboundClient(Policy.parse("10.0.0.0/8", denied=[("127.0.0.1", 5432)])) as client:
        response = await client.request("POST", "https://example.com/hook", json={"id": 7})

``resolve`` is the guard alone, for clients of other protocols: connect to what it returns, never to the name.
"""

from trestle.outbound.client import MAX_BODY, MAX_REDIRECTS, OutboundClient, Receive
from trestle.outbound.errors import (
    BadResponse,
    BlockedAddress,
    ConnectionFailed,
    InvalidRequest,
    OutboundError,
    TimedOut,
    TooLarge,
    TooManyRedirects,
)
from trestle.outbound.guard import Lookup, Policy, judge, own_servers, resolve, system_lookup
from trestle.outbound.requests import Part, Stream
from trestle.outbound.response import Response

__all__ = [
    "MAX_BODY",
    "MAX_REDIRECTS",
    "BadResponse",
    "BlockedAddress",
    "ConnectionFailed",
    "InvalidRequest",
    "Lookup",
    "OutboundClient",
    "OutboundError",
    "Part",
    "Policy",
    "Receive",
    "Response",
    "Stream",
    "TimedOut",
    "TooLarge",
    "TooManyRedirects",
    "judge",
    "own_servers",
    "resolve",
    "system_lookup",
]

"""What can go wrong with a call to the outside.

OutboundError
 ├─ InvalidRequest      the request can't be sent as it is
 ├─ BlockedAddress      the target is not open to outbound calls
 ├─ TooManyRedirects
 ├─ TooLarge            the answer is over the size limit
 ├─ BadResponse         the answer can't be decoded
 ├─ TimedOut
 └─ ConnectionFailed    no name, no connection, or it broke
"""


class OutboundError(Exception):
    """A call to the outside failed. The message says what happened and what to do; ``retryable`` whether time may heal it."""

    retryable = False


class InvalidRequest(OutboundError):
    """The URL, a header or the body can't be sent."""


class BlockedAddress(OutboundError):
    """The target is a private, local or reserved address, or one of Trestle's own servers."""


class TooManyRedirects(OutboundError):
    """The server kept redirecting."""


class TooLarge(OutboundError):
    """The answer, decompressed, is over the size limit. No more than the limit was ever held."""


class BadResponse(OutboundError):
    """The answer came, but its body is not what it says it is."""


class TimedOut(OutboundError):
    """The call took longer than its timeout. Whether the server acted on it is unknown."""

    retryable = True


class ConnectionFailed(OutboundError):
    """The host has no address, refused the connection, or broke it."""

    retryable = True

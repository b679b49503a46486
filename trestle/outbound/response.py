"""An answer from the outside, read whole."""

import json
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from multidict import CIMultiDictProxy

from trestle.outbound.errors import BadResponse


@dataclass(frozen=True, slots=True)
class Response:
    """``url`` is the last one, after redirects; ``elapsed_s`` spans them all. ``headers`` ignores case: ``getall`` gives every value.

    ``body`` is decompressed. ``redirects`` are the URLs that redirected, in order.
    """

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes = field(repr=False)
    url: str
    elapsed_s: float
    redirects: tuple[str, ...] = ()

    @property
    def media_type(self) -> str:
        """``application/json``, without parameters, in lower case; empty if the server doesn't say."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def joined_headers(self) -> dict[str, str]:
        """The headers as JSON: names in lower case, several values of a name joined by ``", "`` (cookies by a new line)."""
        names = dict.fromkeys(name.lower() for name in self.headers)
        return {name: ("\n" if name == "set-cookie" else ", ").join(self.headers.getall(name)) for name in names}

    def text(self) -> str:
        """The body in the charset it declares, else UTF-8; what can't be decoded shows as U+FFFD."""
        message = Message()
        message["Content-Type"] = self.headers.get("Content-Type", "")
        charset = str(message.get_content_charset() or "utf-8")
        try:
            text = self.body.decode(charset, "replace")
        except LookupError:  # no such charset, or one of Python's codecs that are none
            text = self.body.decode("utf-8", "replace")
        return text.removeprefix("\ufeff")

    def json(self) -> Any:
        """The value of a JSON body. Raises BadResponse."""
        try:
            return json.loads(self.body, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise BadResponse(f"The answer of {self.url} is not JSON: {error}. It begins with {self.text()[:80]!r}.") from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")

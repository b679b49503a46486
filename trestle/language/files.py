"""What the bytes of a large value are to an expression."""

import base64
import json
from email.message import Message
from typing import Any, Final

from trestle.language.errors import LanguageError

JSON: Final = "application/json"
_TEXTS: Final = ("xml", "javascript", "yaml", "json", "x-www-form-urlencoded")


def content(media_type: str, data: bytes) -> Any:
    """JSON is its value, text a text; any other file is ``{content_type, base64}``. Raises LanguageError for JSON that is none."""
    if media_type == JSON:
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise LanguageError(
                f"The file says that it is JSON, and is not: {error}.", hint="Pass it on whole, or fetch it as text."
            ) from None
    kind = media_type.partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind.endswith(_TEXTS):
        return _text(media_type, data)
    return {"content_type": media_type, "base64": base64.b64encode(data).decode()}


def _text(media_type: str, data: bytes) -> str:
    message = Message()
    message["Content-Type"] = media_type
    try:
        return data.decode(str(message.get_content_charset() or "utf-8"), "replace")
    except LookupError:
        return data.decode("utf-8", "replace")

"""Forms in parts (multipart/form-data): fields become texts, files become attachments."""

from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from backend.errors import BadRequest

_MAX_PARTS = 1000
_BYTES = "application/octet-stream"


class Part:
    """A part while it is read: `name`, and for a file its `filename` and `content_type`."""

    def __init__(self) -> None:
        self.name = ""
        self.filename: str | None = None
        self.content_type = ""
        self.data = bytearray()


def parts(content_type: str, body: bytes) -> list[Part]:
    """The parts of a body. Raises BadRequest where it is not what its content type says, or has too many."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise BadRequest("The form has no boundary in its Content-Type. Let your HTTP client set this header by itself.")
    reader = _Reader()
    try:
        parser = MultipartParser(boundary, reader.callbacks())  # type: ignore[arg-type]  # any of its callbacks
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise BadRequest(f"The form is not valid multipart/form-data: {error}.") from None
    if not reader.ended:
        raise BadRequest("The form is cut off: its last boundary is missing. Send it whole.")
    return reader.parts


class _Reader:
    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._field = b""
        self._value = b""

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_header_field": self._in_field,
            "on_header_value": self._in_value,
            "on_header_end": self._header,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= _MAX_PARTS:
            raise BadRequest(f"The form has more than {_MAX_PARTS:,} parts. Send fewer.")
        self.parts.append(Part())

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].data += data[start:end]

    def _in_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _in_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        part, name = self.parts[-1], self._field.lower()
        if name == b"content-disposition":
            _, options = parse_options_header(self._value)
            part.name = options.get(b"name", b"").decode(errors="replace")
            if b"filename" in options:
                part.filename = options[b"filename"].decode(errors="replace")
                part.content_type = part.content_type or _BYTES
        elif name == b"content-type":
            part.content_type = self._value.decode("latin-1")
        self._field = self._value = b""

    def _end(self) -> None:
        self.ended = True

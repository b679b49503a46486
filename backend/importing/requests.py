"""Calls of a URL, as other formats describe them."""

from typing import Any

from backend.importing.sheet import Sheet
from backend.importing.texts import carried, path_of
from trestle.contracts.base import JsonObject

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def http_request(sheet: Sheet, path: str, data: JsonObject, *, body: str) -> JsonObject:
    """The config of an `http.request` from `{method, url, headers}` and the field `body`. What does not fit is told on the sheet."""
    content = data.get(body)
    config: JsonObject = {"method": _method(sheet, f"{path}.method", data.get("method"), has_body=content is not None)}
    if data.get("url") is not None:
        config["url"] = carried(data["url"])
    headers = _headers(sheet, f"{path}.headers", data.get("headers"))
    if content is not None:
        config["body"] = carried(content)
        # A text is sent as it is, unless it is one value, which is sent as JSON.
        if isinstance(content, str) and not path_of(content):
            config["body_format"] = "raw"
            if content.lstrip()[:1] in ("{", "[") and all(name.lower() != "content-type" for name in headers):
                headers["Content-Type"] = "application/json"
    if headers:
        config["headers"] = headers
    return config


def _method(sheet: Sheet, path: str, value: Any, *, has_body: bool) -> str:
    default = "POST" if has_body else "GET"
    if value is None:
        return default
    method = str(value).upper()
    if method in _METHODS:
        return method
    if "{{" in method:
        return str(carried(value))
    sheet.lose(path, f"“{value}” is no method that can be sent: {default} stands there now.")
    return default


def _headers(sheet: Sheet, path: str, value: Any) -> JsonObject:
    if isinstance(value, list):
        value = {pair.get("key") or pair.get("name"): pair.get("value") for pair in value if isinstance(pair, dict)}
    if value is None:
        return {}
    if not isinstance(value, dict):
        sheet.lose(path, "Headers are names with a value each.")
        return {}
    value = dict(value)
    for name in [name for name, one in value.items() if not isinstance(name, str) or isinstance(one, list | dict)]:
        sheet.lose(f"{path}.{name}", "A header has one value, a text.")
        del value[name]
    return {name: carried(one) for name, one in value.items()}

"""n8n's nodes that have a counterpart here, and how their parameters become its config."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from backend.importing.n8n_conditions import condition
from backend.importing.n8n_expressions import Kind, Reader
from backend.importing.sheet import Sheet
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAIN, NOTE

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}
_WEBHOOK_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,199}")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_RESPOND = {"onReceived": "immediately", "lastNode": "when_finished", "responseNode": "node"}
_AUTHENTICATED = {"basicAuth": "basic", "headerAuth": "header", "jwtAuth": "jwt"}
_FORMATS = {"json": "json", "form-urlencoded": "form", "multipart-form-data": "multipart", "raw": "raw"}
_TEXT_SIZE = 10_000


@dataclass
class Parameters:
    """The parameters of one node, while its config is made. What nothing has asked for is told in the end."""

    sheet: Sheet
    path: str
    values: JsonObject
    read: Reader
    _known: set[str] = field(default_factory=set)

    def get(self, name: str, default: Any = None) -> Any:
        """As it stands there."""
        self._known.add(name)
        return self.values.get(name, default)

    def carried(self, name: str, default: Any = None) -> Any:
        """As it is written here."""
        return self.read.carried(f"{self.path}.{name}", self.get(name, default))

    def pairs(self, name: str, inner: str) -> JsonObject:
        """`{inner: [{name, value}]}` as an object, written as it is here."""
        given = self.get(name)
        entries = given.get(inner) if isinstance(given, dict) else None
        found: JsonObject = {}
        for place, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and isinstance(entry.get("name"), str) and entry["name"]:
                path = f"{self.path}.{name}.{inner}.{place}"
                found[entry["name"]] = self.read.carried(f"{path}.value", _typed(entry))
                if entry["name"].startswith("="):
                    self.lose(f"{name}.{inner}.{place}.name", "The name of a field is no expression here. Write it anew.")
        return found

    def lose(self, name: str, reason: str) -> None:
        """Tell that this one was not taken over."""
        self._known.add(name)
        self.sheet.lose(f"{self.path}.{name}", reason)

    def tell_others(self) -> None:
        """Tell of every parameter that nothing has asked for and that says something."""
        said = {name: value for name, value in self.values.items() if value not in ({}, [], "", None)}
        self.sheet.lose_others(said, self._known, self.path)


@dataclass(frozen=True)
class Counterpart:
    """`ports`: those of the outputs there, in their order. `puts_out`: by the parameters, and what it takes in."""

    type: str
    config: Callable[[Parameters], JsonObject]
    puts_out: Callable[[JsonObject, Kind], Kind]
    ports: tuple[str, ...] = (MAIN,)


def _typed(entry: JsonObject) -> Any:
    """The value of a field, which stands there as a text often."""
    value, kind = entry.get("value"), entry.get("type")
    if isinstance(value, str) and not value.startswith("=") and kind in ("number", "boolean", "array", "object"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _webhook(given: Parameters) -> JsonObject:
    config: JsonObject = {}
    path = str(given.get("path") or "").strip("/")
    if _WEBHOOK_PATH.fullmatch(path):
        config["path"] = path
    elif path:
        given.lose("path", f"“{path}” can't be the path of a webhook here. Choose another one.")
    method = given.get("httpMethod", "GET")
    methods = [one for one in (method if isinstance(method, list) else [method]) if one in _METHODS]
    if methods:
        config["methods"] = methods
    else:
        given.lose("httpMethod", f"A webhook isn't called by {method} here: it takes POST.")
    mode = given.get("responseMode", "onReceived")
    if mode in _RESPOND:
        config["respond"] = _RESPOND[mode]
    else:
        given.lose("responseMode", "There is no such answer here. Choose how the caller is answered.")
    if (way := given.get("authentication", "none")) != "none":
        config["auth"] = {"kind": _AUTHENTICATED.get(way, "header")}
        given.lose("authentication", "Secrets don't come along. Choose a credential: without it every call is refused.")
    return config


def _schedule(given: Parameters) -> JsonObject:
    rule = given.get("rule")
    intervals = rule.get("interval") if isinstance(rule, dict) else None
    if isinstance(intervals, list) and len(intervals) == 1 and isinstance(intervals[0], dict):
        every = intervals[0]
        unit = every.get("field", "days")
        count = every.get(f"{unit}Interval", 1)
        hour, minute = every.get("triggerAtHour", 0), every.get("triggerAtMinute", 0)
        if unit == "cronExpression" and isinstance(expression := every.get("expression"), str) and not expression.startswith("="):
            return {"cron": expression.strip()}
        if unit in ("seconds", "minutes") and isinstance(count, int) and count > 0:
            return {"every_s": count * _SECONDS[unit]}
        if unit == "hours" and count == 1 and isinstance(minute, int):
            return {"cron": f"{minute} * * * *"}
        if unit == "days" and count == 1 and isinstance(hour, int) and isinstance(minute, int):
            return {"cron": f"{minute} {hour} * * *"}
    given.lose("rule", "This schedule has no counterpart. Write when it starts anew.")
    return {}


def _if(given: Parameters) -> JsonObject:
    return {"cases": [{"label": "true", **_condition(given)}]}


def _condition(given: Parameters) -> JsonObject:
    said, reason = condition(given.read, given.get("conditions"))
    if said is None:
        given.lose("conditions", f"{reason} Write the condition anew.")
        return {}
    if given.get("looseTypeValidation"):
        given.lose("looseTypeValidation", "Texts are not taken for numbers in a comparison here: “5” is not 5.")
    return {"condition": said}


def _http(given: Parameters) -> JsonObject:
    config: JsonObject = {"method": given.carried("method", "GET"), "url": given.carried("url", "")}
    if given.get("sendQuery") is True:
        config["query"] = given.pairs("queryParameters", "parameters")
        _no_json(given, "specifyQuery", "query")
    headers = given.pairs("headerParameters", "parameters") if given.get("sendHeaders") is True else {}
    _no_json(given, "specifyHeaders", "headers")
    if given.get("sendBody") is True:
        config |= _body(given, headers)
    if headers:
        config["headers"] = headers
    if given.get("authentication", "none") != "none":
        given.lose("authentication", "Secrets don't come along. Choose a credential, or make one.")
        for name in ("nodeCredentialType", "genericAuthType"):
            given.get(name)
    return config


def _no_json(given: Parameters, name: str, what: str) -> None:
    if given.get(name, "keypair") != "keypair":
        given.lose(name, f"The {what} are written as JSON there. Here they are names with a value each: write them anew.")


def _body(given: Parameters, headers: JsonObject) -> JsonObject:
    kind = given.get("contentType", "json")
    if kind not in _FORMATS:
        given.lose("contentType", f"A body of the kind “{kind}” has no counterpart. Write it anew.")
        return {}
    if kind == "raw":
        if (said := given.carried("rawContentType")) is not None:
            headers.setdefault("Content-Type", said)
        return {"body": given.carried("body", ""), "body_format": "raw"}
    if given.get("specifyBody", "keypair") == "keypair":
        fields = given.pairs("bodyParameters", "parameters")
        return {"body": fields} if kind == "json" else {"body": fields, "body_format": _FORMATS[kind]}
    text = given.get("jsonBody" if kind == "json" else "body", "")
    path = f"{given.path}.jsonBody"
    if kind != "json" or not isinstance(text, str):
        given.lose("specifyBody", "This body has no counterpart. Write it anew.")
        return {}
    try:
        value = json.loads(text.removeprefix("="))
    except ValueError:
        said = given.read.text(path, text)
        if said.startswith("{{") and said.endswith("}}") and said.count("{{") == 1:
            return {"body": said}  # one value, which is sent as JSON
        headers.setdefault("Content-Type", "application/json")
        return {"body": said, "body_format": "raw"}
    return {"body": given.read.carried(path, _marked(value) if text.startswith("=") else value)}


def _marked(value: Any) -> Any:
    """The value of a JSON text that is an expression: each text in it is one."""
    if isinstance(value, dict):
        return {name: _marked(part) for name, part in value.items()}
    return [_marked(part) for part in value] if isinstance(value, list) else f"={value}" if isinstance(value, str) else value


def _http_out(parameters: JsonObject, taken: Kind) -> Kind:
    return "unsure" if "fullResponse" in json.dumps(parameters.get("options")) else "http"


def _set(given: Parameters) -> JsonObject:
    if given.get("mode", "manual") != "manual":
        given.lose("mode", "The fields are written as JSON there. Here they are names with a value each: write them anew.")
        return {}
    config: JsonObject = {"fields": given.pairs("assignments", "assignments")}
    if given.get("includeOtherFields") is True:
        config["keep_input"] = True
    return config


def _set_out(parameters: JsonObject, taken: Kind) -> Kind:
    return "plain" if parameters.get("includeOtherFields") is not True or taken == "plain" else "unsure"


def _wait(given: Parameters) -> JsonObject:
    amount, unit = given.get("amount"), given.get("unit", "seconds")
    if given.get("resume", "timeInterval") == "timeInterval" and unit in _SECONDS and isinstance(amount, int | float) and amount >= 0:
        return {"duration_s": amount * _SECONDS[unit]}
    given.lose("resume", "How long it waits can't be read. Give the delay a duration, or a time.")
    return {}


def _respond(given: Parameters) -> JsonObject:
    kind = given.get("respondWith", "firstIncomingItem")
    if kind == "firstIncomingItem":
        return {"body": "{{ input }}"}
    if kind in ("json", "text"):
        return {"body": given.carried("responseBody", "")}
    if kind != "noData":
        given.lose("respondWith", f"There is no answer of the kind “{kind}” here. Write it anew.")
    return {}


def _stop(given: Parameters) -> JsonObject:
    return {"status": "failed", "message": given.carried("errorMessage", "")}


def _note(given: Parameters) -> JsonObject:
    sizes = {
        name: max(least, min(2000, value)) for name, least in (("width", 120), ("height", 60)) if isinstance(value := given.get(name), int)
    }
    given.get("color")
    return {"text": str(given.get("content") or "")[:_TEXT_SIZE], **sizes}


def _nothing(given: Parameters) -> JsonObject:
    return {}


def _always(kind: Kind) -> Callable[[JsonObject, Kind], Kind]:
    return lambda parameters, taken: kind


def _passing(parameters: JsonObject, taken: Kind) -> Kind:
    return taken


def _names(entries: Iterable[tuple[str, Counterpart]]) -> dict[str, Counterpart]:
    return {f"n8n-nodes-base.{name}": counterpart for name, counterpart in entries}


COUNTERPARTS = _names(
    (
        ("webhook", Counterpart("trigger.webhook", _webhook, _always("webhook"))),
        ("manualTrigger", Counterpart("trigger.manual", _nothing, _always("plain"))),
        ("scheduleTrigger", Counterpart("trigger.schedule", _schedule, _always("unsure"))),
        ("if", Counterpart("branch", _if, _passing, ("true", "else"))),
        ("filter", Counterpart("filter", _condition, _passing, (MAIN, "rejected"))),
        ("httpRequest", Counterpart("http.request", _http, _http_out)),
        ("set", Counterpart("set", _set, _set_out)),
        ("wait", Counterpart("delay", _wait, _passing)),
        ("respondToWebhook", Counterpart("webhook.respond", _respond, _passing)),
        ("stopAndError", Counterpart("stop", _stop, _passing)),
        ("stickyNote", Counterpart(NOTE, _note, _passing)),
    )
)
"""By the type there."""

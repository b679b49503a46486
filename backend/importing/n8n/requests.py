"""n8n's HTTP Request in its four versions, and Respond to Webhook."""

import re
from typing import Any

from backend.importing.n8n.flow import Flow, Kind
from backend.importing.n8n.parameters import Made, Parameters, parsed, word
from trestle.contracts.base import JsonObject

_FORMATS = {"json": "json", "form-urlencoded": "form", "multipart-form-data": "multipart", "raw": "raw"}
_READ_AS = {"json": "json", "text": "text", "string": "text", "file": "blob"}
_ANY_STATUS = ["1xx", "2xx", "3xx", "4xx", "5xx"]
_LONGEST_S = 3600
_SECOND = 2
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_REDIRECTED = 307
_SECRET = re.compile(r"authori[sz]ation|api.?key|access.?key|token|secret|passw", re.IGNORECASE)


def request(given: Parameters) -> Made:
    """HTTP Request."""
    if 0 < given.version <= _SECOND or "requestMethod" in given.values or "jsonParameters" in given.values:
        return _first(given)
    config = _called(given, "method")
    if given.get("sendQuery") is True:
        config |= _table(given, "query", "queryParameters", given.get("specifyQuery", "keypair"), "jsonQuery")
    if given.get("sendHeaders") is True:
        config |= _table(given, "headers", "headerParameters", given.get("specifyHeaders", "keypair"), "jsonHeaders")
    if given.get("sendBody") is True:
        headers = config.setdefault("headers", {})
        config |= _body(given, headers)
        if not headers:
            del config["headers"]
    options = given.options("timeout", "redirect", "response", "allowUnauthorizedCerts", "batching")
    return _finished(given, config, options, _inner(options, "response", "response"))


def _first(given: Parameters) -> Made:
    """The first two versions."""
    config = _called(given, "requestMethod")
    is_json = given.get("jsonParameters") is True
    for what in ("query", "header"):
        name = "headers" if what == "header" else what
        config |= _table(given, name, f"{what}ParametersUi", "json" if is_json else "keypair", f"{what}ParametersJson", "parameter")
    options = given.options(
        *("timeout", "bodyContentType", "bodyContentCustomMimeType", "fullResponse", "ignoreResponseCode", "followRedirect"),
        *("followAllRedirects", "splitIntoItems", "batchInterval", "batchSize"),
    )
    if config["method"] != "GET":
        kind = str(options.get("bodyContentType", "json"))
        if is_json:
            config |= _written(given, "bodyParametersJson", kind, config, options.get("bodyContentCustomMimeType"))
        elif body := given.pairs("bodyParametersUi", "parameter"):
            config |= {"body": body, **({} if kind not in ("form-urlencoded", "multipart-form-data") else {"body_format": _FORMATS[kind]})}
    response = {"fullResponse": options.get("fullResponse"), "neverError": options.get("ignoreResponseCode")}
    if options.get("followRedirect") is False:
        config["follow_redirects"] = False
    kind = given.word("responseFormat", "json")
    given.get("dataPropertyName")
    made = _finished(given, config, options, {**response, "responseFormat": kind if kind != "json" else None})
    if options.get("splitIntoItems") is True and given.taken.amount == "one":
        return Made(made.config, Flow("plain", "list", at=".body", line=given.key))
    return made


def _called(given: Parameters, method: str) -> JsonObject:
    config: JsonObject = {"method": given.carried(method, "GET"), "url": given.carried("url", "")}
    if config["method"] not in _METHODS and "{{" not in str(config["method"]):
        given.lose(method, f"“{config['method']}” is no method that can be sent. Choose another one.")
        config["method"] = "GET"
    if not config["url"]:
        given.lose("url", "There was no URL. Write one.")
    if given.get("authentication", "none") != "none":
        given.lose("authentication", "Secrets don't come along. Choose a credential, or make one.")
        for name in ("nodeCredentialType", "genericAuthType", "provideSslCertificates"):
            given.get(name)
    return config


def _table(given: Parameters, field: str, pairs: str, kind: Any, text: str, inner: str = "parameters") -> JsonObject:
    """Names with a value each, which may be written as a JSON text."""
    if kind != "json":
        found = given.pairs(pairs, inner)
        return {field: found} if found else {}
    value = given.get(text, "")
    given.get(pairs)
    try:
        table = parsed(value) if isinstance(value, str) and value.strip("= \n") else {}
    except ValueError:
        table = None
    if not isinstance(table, dict) or (field == "headers" and any(isinstance(one, list | dict) for one in table.values())):
        given.lose(text, f"These {field} are a text that can't be read as JSON. Write them anew, as names with a value each.")
        return {}
    return {field: given.read.carried(f"{given.path}.{text}", table)} if table else {}


def _body(given: Parameters, headers: JsonObject) -> JsonObject:
    kind = given.word("contentType", "json")
    if kind not in _FORMATS:
        given.lose("contentType", f"A body of the kind “{kind}” has no counterpart. Write it anew.")
        return {}
    if kind == "raw":
        if (said := given.carried("rawContentType")) is not None:
            headers.setdefault("Content-Type", said)
        return {"body": given.carried("body", ""), "body_format": "raw"}
    if given.get("specifyBody", "keypair") == "keypair":
        if any(entry.get("parameterType") == "formBinaryData" for entry in given.entries("bodyParameters", "parameters")):
            given.lose("bodyParameters", "Files are sent as {filename, content, content_type} here. Write those parts anew.")
        fields = given.pairs("bodyParameters", "parameters")
        return {"body": fields} if kind == "json" else {"body": fields, "body_format": _FORMATS[kind]}
    if kind != "json" or not isinstance(given.get("jsonBody", ""), str):
        given.lose("specifyBody", "This body has no counterpart. Write it anew.")
        given.get("body")
        return {}
    return _json(given, "jsonBody", headers)


def _written(given: Parameters, name: str, kind: str, config: JsonObject, mime: Any) -> JsonObject:
    """A body that is a text, in the first two versions."""
    text = given.get(name, "")
    headers = dict(config.get("headers", {}))
    if not isinstance(text, str) or not text.strip("= \n"):
        return {}
    if kind == "raw":
        if isinstance(mime, str) and mime:
            headers.setdefault("Content-Type", mime)
        found: JsonObject = {"body": given.carried(name), "body_format": "raw"}
    else:
        found = _json(given, name, headers)
        if kind in ("form-urlencoded", "multipart-form-data"):
            if not isinstance(found["body"], dict):
                given.lose(name, "This body is no object that can be read. Write it anew, as names with a value each.")
                return {}
            found["body_format"] = _FORMATS[kind]
    return {**found, "headers": headers} if headers else found


def _json(given: Parameters, name: str, headers: JsonObject) -> JsonObject:
    """A JSON text as a value; as the text where there is no reading it."""
    text = str(given.get(name, ""))
    path = f"{given.path}.{name}"
    try:
        return {"body": given.read.carried(path, parsed(text))}
    except ValueError:
        said = given.read.text(path, text)
        if said.startswith("{{") and said.endswith("}}") and said.count("{{") == 1:
            return {"body": said.replace("|tojson }}", " }}")}  # one value, which is sent as JSON
        headers.setdefault("Content-Type", "application/json")
        return {"body": said, "body_format": "raw"}


def _finished(given: Parameters, config: JsonObject, options: JsonObject, response: JsonObject) -> Made:
    """With what the options say, and what comes out."""
    _tell_of_secrets(given, config)
    timeout = options.get("timeout")
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0:
        config["timeout_s"] = min(timeout / 1000, _LONGEST_S)
    if _inner(options, "redirect", "redirect").get("followRedirects") is False:
        config["follow_redirects"] = False
    if response.get("neverError") is True:
        config["success"] = list(_ANY_STATUS)
    if (kind := word(response.get("responseFormat"))) in _READ_AS:
        config["response"] = _READ_AS[kind]
    elif kind not in ("", "autodetect"):
        given.lose("options.response", f"The answer can't be read as “{kind}” here. Choose how it is read.")
    if options.get("allowUnauthorizedCerts") is True:
        given.lose("options.allowUnauthorizedCerts", "Certificates are always checked here.")
    if options.get("batching") or options.get("batchInterval"):
        given.lose("options.batching", "For a limit to the calls in a second, set the node's rate limit.")
    return Made(config, Flow(_kind(config, response)))


def _tell_of_secrets(given: Parameters, config: JsonObject) -> None:
    """Of those that are written into the node, where whoever sees the workflow reads them."""
    for field in ("headers", "query"):
        for name, value in config.get(field, {}).items():
            if _SECRET.search(name) and isinstance(value, str) and value and "{{" not in value:
                given.lose(
                    field, f"“{name[:100]}” looks like a secret that everybody reads who sees this workflow. Move it into a credential."
                )


def _kind(config: JsonObject, response: JsonObject) -> Kind:
    if response.get("fullResponse") is True:
        return "full"
    if config.get("response") == "text":
        return "text" if response.get("outputPropertyName", "data") == "data" else "unsure"
    return "unsure" if config.get("response") == "blob" else "http"  # a file stands beside the data there


def _inner(value: JsonObject, *names: str) -> JsonObject:
    found: Any = value
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def respond(given: Parameters) -> Made:
    """Respond to Webhook. It passes its input on, there as here."""
    kind = given.word("respondWith", "firstIncomingItem")
    options = given.options("responseCode", "responseHeaders")
    config: JsonObject = {}
    headers: JsonObject = {}
    for entry in _entries(options.get("responseHeaders")):
        if isinstance(entry.get("name"), str) and entry["name"]:
            headers[entry["name"]] = given.read.carried(f"{given.path}.options.responseHeaders.{entry['name']}", entry.get("value", ""))
    if (status := options.get("responseCode")) is not None:
        config["status"] = given.read.carried(f"{given.path}.options.responseCode", status)
    if kind == "firstIncomingItem":
        config["body"] = _whole_item(given)
    elif kind == "allIncomingItems":
        config["body"] = given.items() if given.taken.listed().amount == "list" else "{{ [input] }}"
    elif kind == "json":
        found = _json(given, "responseBody", headers)
        config["body"] = found["body"]
    elif kind == "text":
        config["body"] = given.carried("responseBody", "")
    elif kind == "redirect":
        config["status"] = config.get("status", _REDIRECTED)
        headers["Location"] = given.carried("redirectURL", "")
    elif kind != "noData":
        given.lose("respondWith", f"There is no answer of the kind “{kind}” here. Write it anew.")
    if headers:
        config["headers"] = headers
    return Made(config, given.taken)


def _whole_item(given: Parameters) -> Any:
    if given.taken.kind == "webhook" and not given.taken.added:
        return {"headers": "{{ trigger.headers }}", "query": "{{ trigger.query }}", "body": "{{ payload }}"}
    said = given.read.part([])
    if said is None:
        given.lose("respondWith", "What is answered comes from several nodes. Check the body.")
    return f"{{{{ {said or 'input'} }}}}"


def _entries(value: Any) -> list[JsonObject]:
    found = value.get("entries") if isinstance(value, dict) else None
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []

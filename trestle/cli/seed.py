"""`python -m trestle seed`: sample workflows for a running Trestle, over its public API. A second run adds what is missing, and no more."""

from __future__ import annotations

import getpass
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from trestle.cli.console import Console
from trestle.cli.errors import LaunchError
from trestle.cli.samples import SAMPLES, TAG, Json, Sample
from trestle.cli.settings import Settings

_TIMEOUT_S = 30


class Refused(Exception):
    """The API answered with an error. The text is its `detail`."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Api:
    """The public API at `url`, as a caller with a token sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""

    def call(self, method: str, path: str, body: Any = None, *, form: Mapping[str, str] | None = None) -> Any:
        """One call under /api/v1; the answer's JSON. Raises Refused; LaunchError where nobody answers."""
        headers = {"Accept": "application/json"}
        data = None
        if form is not None:
            data = urllib.parse.urlencode(form).encode()
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)  # noqa: S310 - its scheme was checked
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                content = answer.read()
                return json.loads(content) if content else None
        except urllib.error.HTTPError as error:
            raise Refused(error.code, _detail(error)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise LaunchError(
                f"Trestle does not answer at {self.url} ({reason}). Start it with `make up`, or name its address: TRESTLE_URL."
            ) from None

    def pages(self, path: str) -> Iterator[Json]:
        """Every item of a list."""
        cursor = ""
        while True:
            page = self.call("GET", f"{path}&limit=200{cursor}")
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={page['next_cursor']}"


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        return f"{error.code} {error.reason}"


def seed(environ: Mapping[str, str] | None = None, console: Console | None = None) -> int:
    """Sign in (at the first time: up), put the samples in, say how to try them. Raises LaunchError."""
    environ = os.environ if environ is None else environ
    console = console or Console()
    url = (environ.get("TRESTLE_URL") or Settings.read(environ).backend_url).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise LaunchError("TRESTLE_URL must be a URL that starts with http:// or https://.")
    api = Api(url)
    _sign_in(api, environ, console)
    types = {kind["type"] for kind in _items(api.call("GET", "/node-types")) if kind.get("broken") is None}
    if not types:
        raise LaunchError("No executor has registered its nodes yet. Wait a few seconds, and call this again.")
    there = {workflow["name"]: workflow["id"] for workflow in api.pages(f"/workflows?tag={TAG}")}
    for sample in SAMPLES:
        _put(api, console, sample, types, there)
    console.say("")
    console.say(
        f"Sign in at the web interface and look for the tag “{TAG}”. An event needs a token (POST {url}/api/v1/users/login gives one):"
    )
    console.say("the editor's Run does without.")
    return 0


def _items(answer: Any) -> list[Json]:
    found: list[Json] = answer["items"] if isinstance(answer, dict) else answer
    return found


def _sign_in(api: Api, environ: Mapping[str, str], console: Console) -> None:
    first = api.call("GET", "/users/registration")["first"]
    if first:
        console.say("Nobody has signed up yet: this makes the first account, which owns the installation.")
    email = _asked(environ, "TRESTLE_EMAIL", "E-mail address: ", input)
    password = _asked(environ, "TRESTLE_PASSWORD", "Password: ", getpass.getpass)
    try:
        if first:
            api.call("POST", "/users/register", {"email": email, "password": password, "name": email.partition("@")[0] or email})
        api.token = api.call("POST", "/users/login", form={"username": email, "password": password})["access_token"]
    except Refused as refused:
        raise LaunchError(f"Signing in as {email} did not work: {refused}") from None


def _asked(environ: Mapping[str, str], name: str, question: str, ask: Any) -> str:
    given = environ.get(name)
    if given:
        return given
    if not sys.stdin.isatty():
        raise LaunchError(f"There is nobody to ask here: set {name} (and TRESTLE_EMAIL, TRESTLE_PASSWORD) in the environment.")
    return str(ask(question)).strip()


def _put(api: Api, console: Console, sample: Sample, types: set[str], there: dict[str, str]) -> None:
    """One sample, where it isn't there yet: made, published, and enabled where it is called from outside."""
    missing = sample.types - types
    if missing:
        console.warn(f"{sample.name}: left out, because no executor offers {', '.join(sorted(missing))}.")
        return
    try:
        if sample.name in there:
            console.say(f"  {sample.name}: is there already")
        else:
            there[sample.name] = _made(api, sample, there)
            console.say(console.bold(f"+ {sample.name}"))
        _say_how(api, console, sample, there[sample.name])
    except Refused as refused:
        console.warn(f"{sample.name}: {refused}")


def _made(api: Api, sample: Sample, there: Mapping[str, str]) -> str:
    """The id of the new workflow. One that can't be published does not stay. Raises Refused."""
    ident = str(api.call("POST", "/workflows", _with_ids(sample.document(), there))["id"])
    try:
        api.call("POST", f"/workflows/{ident}/publish", {"message": "Sample"})
        if sample.enabled:
            api.call("PATCH", f"/workflows/{ident}", {"enabled": True})
    except Refused:
        api.call("DELETE", f"/workflows/{ident}")
        raise
    return ident


def _with_ids(value: Any, there: Mapping[str, str]) -> Any:
    """`value` with ids for `@name`."""
    if isinstance(value, dict):
        return {name: _with_ids(part, there) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_ids(part, there) for part in value]
    return there.get(value[1:], value) if isinstance(value, str) and value.startswith("@") else value


def _say_how(api: Api, console: Console, sample: Sample, ident: str) -> None:
    json_header = "-H 'Content-Type: application/json'"
    hooks = api.call("GET", f"/workflows/{ident}")["webhooks"]
    if hooks and sample.body is not None:
        console.say(f"    curl -X POST {hooks[0]['url']} {json_header} -d '{json.dumps(sample.body)}'")
    elif sample.event is not None:
        who = '-H "Authorization: Bearer $TOKEN"'
        console.say(f"    curl -X POST {api.url}/api/v1/events {who} {json_header} -d '{json.dumps(sample.event)}'")

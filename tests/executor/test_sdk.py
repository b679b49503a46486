"""The SDK: the example of the guide, config templates, credentials, and the rules that the testing aid checks."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from pydantic import Field

from executor import node as sdk
from executor.errors import CredentialRefused, InvalidConfig, NodeError
from executor.node import Basic, Bearer, Code, Condition, Config, Context, JsonValue, Multiline, Node, Static, Use
from executor.registry import describe, discover
from executor.testing import RecordingContext, poll_node, resume_node, rule_breaks, run_node, template_of
from trestle.cli.new_node import new_node
from trestle.contracts.config_fields import marked_fields
from trestle.contracts.jobs import Secret
from trestle.language import LanguageError, Scope

GUIDE = Path(__file__).parents[2] / "docs" / "nodes.md"
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
KEY = UUID("0190e2a0-0000-7000-8000-000000000001")


class EveryKind(Config):
    """A config with every kind of field."""

    text: str = Field(title="Text")
    literal: Static[str] = Field("", title="Literal")
    source: Code = Field("1", title="Source")
    long: Multiline = Field("", title="Long")
    when: Condition = Field(True, title="When")
    login: Use[Bearer | Basic] | None = Field(None, title="Login")
    numbers: dict[str, JsonValue] = Field(default_factory=dict, title="Numbers")


class Echo(Node[EveryKind]):
    """Gives its config back, for tests."""

    type, title, group, icon = "test.echo", "Echo", "Test", "repeat"
    effect = "pure"
    example = {"text": "hello"}  # noqa: RUF012  # declared as a class variable by Node

    async def run(self, config: EveryKind, input: JsonValue, ctx: Context) -> JsonValue:
        """The config's fields."""
        return {"text": config.text, "literal": config.literal, "source": config.source, "when": config.when}


@pytest.fixture
def guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ModuleType]]:
    """The guide's node as a file that is imported, and the guide's test of it."""
    node_source, *_, test_source = BLOCKS
    (tmp_path / "greet.py").write_text(node_source)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "guide_test.py").write_text(test_source)
    spec = importlib.util.spec_from_file_location("guide_test", tmp_path / "guide_test.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield node_source, module
    sys.modules.pop("greet", None)


async def test_the_guides_node_is_short_and_its_test_passes(guide: tuple[str, ModuleType], tmp_path: Path) -> None:
    node_source, module = guide
    assert len(node_source.strip().splitlines()) <= 25
    await module.test_greets_by_name()
    (tmp_path / "guide_test.py").unlink()
    assert "demo.greet" in discover(tmp_path, installed=False)


async def test_the_guides_node_fails_with_a_hint(guide: tuple[str, ModuleType]) -> None:
    with pytest.raises(NodeError) as failed:
        await run_node(guide[1].Greet(), {"name": " "})
    assert failed.value.as_step_error().model_dump() == {
        "type": "NodeError",
        "message": "There is nobody to greet.",
        "hint": "Fill in the name.",
    }


@pytest.mark.parametrize("name", ["shout", "text.shout"])
async def test_a_new_nodes_file_is_a_node_at_once(name: str, tmp_path: Path) -> None:
    new_node(name, tmp_path)
    node = discover(tmp_path, installed=False).get(name)
    assert rule_breaks(node) == []
    assert await run_node(node, {"text": "{{ payload.name }}"}, payload={"name": "Ada"}) == {"text": "Ada"}


async def test_expressions_are_rendered_and_literal_fields_are_not() -> None:
    config = {
        "text": "{{ payload.n }} of {{ input }}",
        "literal": "{{ payload.n }}",
        "source": "{{ 1 }}",
        "when": {"==": [{"var": "payload.n"}, 3]},
    }
    assert await run_node(Echo(), config, "ten", payload={"n": 3}) == {
        "text": "3 of ten",
        "literal": "{{ payload.n }}",
        "source": "{{ 1 }}",
        "when": True,
    }


@pytest.mark.parametrize(
    ("condition", "held"), [(True, True), (False, False), ("{{ payload.n > 5 }}", False), ("{{ payload.n < 5 }}", True)]
)
async def test_a_condition_becomes_a_bool(condition: Any, held: bool) -> None:
    output: Any = await run_node(Echo(), {"text": "", "when": condition}, payload={"n": 3})
    assert output["when"] is held


def test_a_template_says_what_it_looks_at_and_leaves_the_config_alone() -> None:
    config = {"text": "{{ nodes.fetch.body }}", "when": "{{ payload.n > 1 }}", "numbers": {"a": [1, "{{ vars.X }}"]}}
    template = template_of(Echo(), config)
    assert template.names() == {"nodes.fetch", "payload", "vars"}
    for count in (2, 0):
        rendered = template.render(Scope(nodes={"fetch": {"body": "b"}}, payload={"n": count}, vars={"X": 5}))
        assert (rendered.text, rendered.when, rendered.numbers) == ("b", count > 1, {"a": [1, 5]})
    assert config["when"] == "{{ payload.n > 1 }}"


def test_errors_name_the_field() -> None:
    with pytest.raises(LanguageError) as undefined:
        template_of(Echo(), {"text": "", "when": "{{ payload.gone > 1 }}"}).render(Scope(payload={}))
    assert undefined.value.field == "/when"
    with pytest.raises(LanguageError) as unclear:
        template_of(Echo(), {"text": "", "when": {"nonsense": [1]}})
    assert unclear.value.field.startswith("/when")
    with pytest.raises(InvalidConfig, match=r"text: Must be text. extra: There is no such field"):
        template_of(Echo(), {"text": "{{ payload.n }}", "extra": 1}).render(Scope(payload={"n": 7}))


def test_an_invalid_value_is_not_repeated_in_the_error() -> None:
    with pytest.raises(InvalidConfig) as invalid:
        template_of(Echo(), {"text": "", "login": "{{ not an id }}"}).render(Scope())
    assert "not an id" not in str(invalid.value)


def test_marks_reach_the_schema() -> None:
    fields = describe(Echo()).config_schema["properties"]
    assert fields["literal"]["x-static"] is True
    assert fields["source"]["x-code"] == "python"
    assert fields["source"]["x-static"] is True
    assert fields["long"]["x-multiline"] is True
    assert fields["when"]["x-condition"] is True
    assert fields["login"]["x-credential"] == ["bearer", "basic"]
    assert describe(Echo()).credential_types == ["basic", "bearer"]


def test_marked_fields_are_found_in_unions_lists_and_references() -> None:
    schema = discover(installed=False).type_of("branch").config_schema
    found = marked_fields(schema, {"cases": [{"label": "a/b", "condition": True}, {"label": "c"}]})
    assert [(field.pointer, field.kind) for field in found] == [
        ("/cases/0/label", "static"),
        ("/cases/0/condition", "condition"),
        ("/cases/1/label", "static"),
    ]
    webhook = discover(installed=False).type_of("trigger.webhook").config_schema
    (kind, login) = marked_fields(webhook, {"auth": {"kind": "basic", "credential": str(KEY)}, "dedupe": "{{ payload.id }}"})
    assert (kind.kind, login.kind, login.value) == ("static", "credential", str(KEY))
    assert login.credential_types == ("basic", "header", "bearer", "jwt", "hmac")


async def test_a_secret_is_opened_as_its_type_and_never_shown() -> None:
    ctx = RecordingContext(
        secrets={KEY: Secret(type="basic", data={"username": "u", "password": "canary"}, allowed_hosts=["*.example.com"])}
    )
    config = template_of(Echo(), {"text": "", "login": str(KEY)}).render(Scope())
    login = await ctx.secret(config.login)
    assert isinstance(login, Basic)
    assert login.password == "canary"
    assert "canary" not in repr(login) + str(login)
    assert login.permits("api.example.com")
    for host in ("example.com", "api.example.com.evil.test", "apiexample.com"):
        with pytest.raises(CredentialRefused, match=re.escape(host)):
            login.check_host(host)


async def test_a_secret_of_another_type_is_refused() -> None:
    ctx = RecordingContext(secrets={KEY: Secret(type="header", data={"name": "X-Key", "value": "canary"})})
    config = template_of(Echo(), {"text": "", "login": str(KEY)}).render(Scope())
    with pytest.raises(CredentialRefused, match="type header, this field takes bearer or basic"):
        await ctx.secret(config.login)
    ctx.secrets[KEY] = Secret(type="basic", data={"password": "canary"})
    with pytest.raises(CredentialRefused, match="username") as incomplete:
        await ctx.secret(config.login)
    assert "canary" not in str(incomplete.value)


class Careless(Config):
    """A config that breaks rules."""

    api_key: str = Field(title="Key")
    either: EveryKind | Config = Field(title="Either")


class CarelessNode(Node[Careless]):
    """Breaks rules."""

    type, title, group, icon = "test.careless", "Careless", "Test", "x"
    summary = "{gone}"
    example = {"api_key": "x"}  # noqa: RUF012  # declared as a class variable by Node

    async def run(self, config: Careless, input: JsonValue, ctx: Context) -> JsonValue:
        """Nothing."""


def test_broken_rules_are_told() -> None:
    breaks = "\n".join(rule_breaks(CarelessNode()))
    for said in ("api_key holds a secret", "either is one of several objects", "names the field gone", "the example isn't a valid config"):
        assert said in breaks


class CannedClient:
    """Answers every request with the same."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body

    async def request(self, method: str, url: str, **arguments: Any) -> "CannedClient":
        return self

    def json(self) -> Any:
        return self.body


async def test_the_guides_other_examples_work() -> None:
    names: dict[str, Any] = {name: getattr(sdk, name) for name in sdk.__all__}
    names |= {"Field": Field, "timedelta": timedelta}
    for block in BLOCKS[1:-1]:
        exec(block, names)
    ask, feed = names["Ask"](), names["Feed"]()
    assert rule_breaks(ask) == []
    ctx = RecordingContext()
    waits = await run_node(ask, {"message": "Ship it?"}, ctx=ctx)
    assert isinstance(waits, sdk.Wait)
    assert (waits.token, ctx.told[0]["to_role"]) == ("approval", "operator")
    assert await resume_node(ask, {"message": "m"}, 1, answer={"decision": "approved"}) == sdk.Branch("approved", 1)
    assert await resume_node(ask, {"message": "m"}, 1) == sdk.Branch("timeout", 1)
    client: Any = CannedClient(200, [{"id": 1}, {"id": 2}])
    polled = await poll_node(feed, {"url": "http://x"}, 1, ctx=RecordingContext(client=client))
    assert ([event.id for event in polled.events], polled.state) == (["2"], 2)
    assert (describe(feed).poll_every_s, describe(feed).fires_itself) == (300, True)
    key = names["FeedKey"](key="k")
    refuses: Any = CannedClient(401, {})
    with pytest.raises(NodeError):
        await key.test(RecordingContext(client=refuses))
    knows: Any = CannedClient(200, {"name": "Ada"})
    assert await key.test(RecordingContext(client=knows)) == "Signed in as Ada."

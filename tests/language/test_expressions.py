"""What expressions give: types, texts, filters, and errors that say what to do."""

from typing import Any

import pytest

from trestle.language import LanguageError, Scope, check_config, compile_config, compile_expression, has_expression

PAYLOAD: dict[str, Any] = {
    "score": 85,
    "price": 80.0,
    "big": 2**200,
    "name": "Ada",
    "none": None,
    "items": [{"n": "a", "p": 1.5}, {"n": "b", "p": 2}],
    "my key": 1,
    "deep": {"list": [[1, 2], [3]]},
    "evil": "{{ 7*7 }}",
    "when": "2030-01-31T12:00:00Z",
}
SCOPE = Scope(
    payload=PAYLOAD,
    trigger={"method": "POST"},
    input={"x": 1},
    nodes={"fetch": {"status": 200, "body": [1, 2]}},
    vars={"A": "z"},
    now="2026-01-02T03:04:05Z",
)


def render(text: str, scope: Scope = SCOPE) -> Any:
    return compile_expression(text).render(scope)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ payload.score }}", 85),
        ("  {{ payload.score }}\n", 85),
        ("{{ payload.score >= 80 }}", True),
        ("{{ payload.price }}", 80.0),
        ("{{ payload.price * 1 }}", 80.0),
        ("{{ payload.price if payload.score else 0 }}", 80.0),
        ("{{ payload.big }}", 2**200),
        ("{{ payload.big + 1 }}", 2**200 + 1),
        ("{{ 9007199254740993 + 0 }}", 9007199254740993),
        ("{{ payload.none }}", None),
        ("{{ payload.items }}", PAYLOAD["items"]),
        ("{{ {'a': payload.price, 'b': [1, 2.0, -3], 'c': {}} }}", {"a": 80.0, "b": [1, 2.0, -3], "c": {}}),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ 10 / 4 }}", 2.5),
        ("{{ 10 / 5 }}", 2.0),
        ("{{ 7 // 2 }}", 3),
        ("{{ 7 % 4 }}", 3),
        ("{{ 2 ** 10 }}", 1024),
        ("{{ 2 - 3 - 4 }}", -5),
        ("{{ 2 + 3 * 4 }}", 14),
        ("{{ -payload.score + 1 }}", -84),
        ("{{ 1 ~ 2 ~ 'x' }}", "12x"),
        ("{{ 1 < 2 < 3 }}", True),
        ("{{ 1 < 3 < 2 }}", False),
        ("{{ true == 1 }}", False),
        ("{{ 1 == 1.0 }}", True),
        ("{{ 'd' in payload.name }}", True),
        ("{{ 3 not in [1, 2] }}", True),
        ("{{ 'score' in payload }}", True),
        ("{{ payload.score > 80 and payload.name == 'Ada' }}", True),
        ("{{ payload.none or 'else' }}", "else"),
        ("{{ not payload.none }}", True),
        ("{{ payload['my key'] }}", 1),
        ("{{ payload.items[-1].n }}", "b"),
        ("{{ payload.deep.list[0][1] }}", 2),
        ("{{ payload.items[input.x].n }}", "b"),
        ("{{ payload.name[0] }}{{ payload.name[1:] }}", "Ada"),
        ("{{ payload.deep.list[0][::-1] }}", [2, 1]),
        ("{{ nodes.fetch.body|last }}", 2),
        ("{{ '{{' }}", "{{"),
        ("{{ '}}' }}", "}}"),
        ("{{ {'a': {'b': 1}}}}", {"a": {"b": 1}}),
        ("{{ 'it\\'s \\u00e9' }}", "it's é"),
    ],
)
def test_a_lone_expression_keeps_its_type(text: str, value: Any) -> None:
    got = render(text)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Hi {{ payload.name }}!", "Hi Ada!"),
        ("{{ payload.score }} {{ payload.price }}", "85 80.0"),
        ("{{ payload.none }}{{ true }}", "nulltrue"),
        ("{{ payload.items }}.", '[{"n":"a","p":1.5},{"n":"b","p":2}].'),
        ("{% if payload.score > 80 %}hot{% elif payload.score %}warm{% else %}cold{% endif %}", "hot"),
        ("{% for i in payload.items %}{{ loop.index }}={{ i.n }}{% if not loop.last %}, {% endif %}{% endfor %}", "1=a, 2=b"),
        ("{% for k, v in payload.items[0]|items %}{{ k }}:{{ v }};{% endfor %}", "n:a;p:1.5;"),
        ("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none"),
        ("{% for i in range(6) if i is even %}{{ i }}{% endfor %}", "024"),
        ("{% set total = payload.score + 1 %}{{ total }}", "86"),
        ("a {{- payload.name -}} b", "aAdab"),
        ("{% literal braces in css: a{#id}", None),
        ("a{#not a comment#}b", "a{#not a comment#}b"),
        ("line\n{{ payload.name }}\n", "line\nAda\n"),
    ],
)
def test_mixed_text(text: str, value: str | None) -> None:
    if value is None:
        with pytest.raises(LanguageError):
            render(text)
    else:
        assert render(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ payload.name|upper|lower }}", "ada"),
        ("{{ '  x '|trim }}", "x"),
        ("{{ payload.nope|default('d') }}", "d"),
        ("{{ payload.nope.deeper|default(payload.nope2|default(1)) }}", 1),
        ("{{ payload.none|default('d', true) }}", "d"),
        ("{{ payload.nope|default(none) is none }}", True),
        ("{{ payload.nope is defined }}", False),
        ("{{ payload.nope is not defined and payload.name is defined }}", True),
        ("{{ 'a,b'|split(',') }}", ["a", "b"]),
        ("{{ [1, 2]|join('-') }}", "1-2"),
        ("{{ payload.items|map(attribute='p')|sum }}", 3.5),
        ("{{ ['a']|map('upper')|first }}", "A"),
        ("{{ payload.items|selectattr('n', 'eq', 'b')|first }}", {"n": "b", "p": 2}),
        ("{{ payload.items|selectattr('n', 'ne', 'b')|map(attribute='n')|join }}", "a"),
        ("{{ payload.items|selectattr('n', 'in', ['b', 'c'])|map(attribute='n')|join }}", "b"),
        ("{{ payload.items|selectattr('p', 'gt', 1.5)|map(attribute='p') }}", [2]),
        ("{{ payload.items|selectattr('p', 'ge', 1.5)|map(attribute='p') }}", [1.5, 2]),
        ("{{ payload.items|rejectattr('p', 'lt', 2)|map(attribute='p') }}", [2]),
        ("{{ [3, 1, 2]|select('le', 2) }}", [1, 2]),
        ("{{ 3 is gt 2 and 2 is not lt(2) and 'b' is ge 'a' }}", True),
        ("{{ [3, 1, 2]|sort(reverse=true) }}", [3, 2, 1]),
        ("{{ payload.items|sort(attribute='p')|map(attribute='n')|join }}", "ab"),
        ("{{ [1, 1.0, true, '1', 1]|unique }}", [1, True, "1"]),
        ("{{ [1, 2, 3]|batch(2) }}", [[1, 2], [3]]),
        ("{{ payload.items|groupby('n')|length }}", 2),
        ("{{ [2, 1]|max + [2, 1]|min }}", 3),
        ("{{ 2.5|round }}", 3),
        ("{{ 2.675|round(2) }}", 2.68),
        ("{{ '12'|int + 1 }}", 13),
        ("{{ '1.5'|float }}", 1.5),
        ("{{ {'a': [1]}|tojson }}", '{"a":[1]}'),
        ("{{ '{\"a\": 1.0}'|fromjson }}", {"a": 1.0}),
        ("{{ 'é'|b64encode|b64decode }}", "é"),
        ("{{ 'a b&c'|urlencode }}", "a%20b%26c"),
        ("{{ {'q': 'a b', 'n': 1}|urlencode }}", "q=a+b&n=1"),
        ("{{ now|date('%d.%m.%Y') }}", "02.01.2026"),
        ("{{ now|date('%H:%M', 'Europe/Berlin') }}", "04:04"),
        ("{{ payload.when|shift(days=1)|date }}", "2030-02-01"),
        ("{{ 0|date }}", "1970-01-01"),
        ("{{ payload.when|timestamp }}", 1896091200),
        ("{{ '<b>'|escape }}", "&lt;b&gt;"),
        ("{{ 'abcdef'|truncate(3) }}", "ab…"),
        ("{{ {'a': 1}|merge({'b': 2}) }}", {"a": 1, "b": 2}),
        ("{{ payload|keys|length }}", len(PAYLOAD)),
        ("{{ 'yes'|bool and not 'false'|bool }}", True),
        ("{{ 'abc'|replace('b', 'x') }}", "axc"),
        ("{{ dict(a=1).a }}", 1),
    ],
)
def test_filters_and_tests(text: str, value: Any) -> None:
    assert render(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ payload.scor }}", ["`payload.scor` does not exist", "Did you mean `score`", "{{ payload.scor }}"]),
        ("{{ payload.name.first }}", ["`payload.name` is the text 'Ada'"]),
        ("{{ payload.items.n }}", ["list of length 2", "payload.items[0]"]),
        ("{{ payload.items[2] }}", ["length 2, counted from 0"]),
        ("{{ payload.none.x }}", ["`payload.none` is null"]),
        ("{{ nodes.fetchh.body }}", ["Did you mean `fetch`"]),
        ("{{ item.x }}", ["runs for each item"]),
        ("{{ paylod.x }}", ["`paylod` is not a name here", "Did you mean `payload`"]),
        ("{{ payload.name|uper }}", ["no filter `uper`", "Did you mean `upper`"]),
        ("{{ payload.name is strin }}", ["no test `strin`", "`string`"]),
        ("{{ len(payload) }}", ["no function `len`"]),
        ("{{ payload.name.upper() }}", ["no methods", "|upper"]),
        ("{{ payload.score = 1 }}", ["write `==`"]),
        ("{{ payload.name >= 80 }}", ["have no order", "|int"]),
        ("{{ payload.name + 1 }}", ["Join texts with ~"]),
        ("{{ 1 / 0 }}", ["Division by zero"]),
        ("{{ payload.score", ["not closed by `}}`", "{{ '{{' }}"]),
        ("{{ }}", ["is empty"]),
        ("{{ 'open }}", ["not closed"]),
        ("{{ (1 }}", ["`)` is missing"]),
        ("{% if true %}x", ["Each {% if %}"]),
        ("{% include 'x' %}", ["`include` is not a statement"]),
        ("{{ payload.name|truncate('x') }}", ["whole number"]),
        ("{{ payload.name|upper(1, 2) }}", ["arguments don't fit"]),
        ("{{ 'x'|fromjson }}", ["not JSON"]),
        ("{{ 'x'|date }}", ["not a date", "RFC 3339"]),
        ("{{ [1, 'a']|sort }}", ["have no order"]),
    ],
)
def test_errors_say_what_to_do(text: str, words: list[str]) -> None:
    with pytest.raises(LanguageError) as caught:
        compile_config({"fields": {"a/b": text}}).render(SCOPE)
    for word in ["/fields/a~1b: ", *words]:
        assert word in str(caught.value)
    assert caught.value.field == "/fields/a~1b"
    assert caught.value.expression == text


def test_config() -> None:
    config = {
        "code": "{{ not.compiled( }}",
        "cases": [{"label": "{{", "condition": "{{ nodes.fetch.status == 200 }}"}],
        "fields": {"{{ key }}": "{{ payload.score }}", "text": "n={{ nodes.fetch.body[0] }}", "n": 3},
        "any": "{{ nodes[payload.name] if false else vars.A }}",
    }
    template = compile_config(config, static=["code", "/cases/*/label"])
    assert template.names() == {"nodes.fetch", "nodes", "payload", "vars"}
    rendered = template.render(SCOPE)
    assert rendered == {
        "code": "{{ not.compiled( }}",
        "cases": [{"label": "{{", "condition": True}],
        "fields": {"{{ key }}": 85, "text": "n=1", "n": 3},
        "any": "z",
    }
    assert list(rendered) == list(config)
    assert has_expression(config)
    assert not has_expression({"a": [1, "x", None], "{{ key }}": 2})
    assert [error.field for error in check_config({"a": "{{ x }}", "b": [1, "{{ y"], "c": "{{ payload.q }}"})] == ["/a", "/b/1"]


def test_data_is_never_evaluated() -> None:
    evil = "{{ 7*7 }}{% for x in range(9) %}{{ x }}{% endfor %}"
    scope = Scope(
        payload={"x": evil, evil: evil, "list": [evil]},
        trigger={"x": evil},
        input=evil,
        nodes={"n": {"x": evil}},
        item=evil,
        index=1,
        vars={"A": evil},
        execution={"id": evil},
        workflow={"name": evil},
    )
    texts = [
        "{{ payload.x }}", "a {{ payload.x }}", "{{ payload.x ~ '' }}", "{{ payload.list|join(',') }}", "{{ payload|tojson }}",
        "{{ trigger.x|trim }}", "{{ input }}", "{{ nodes.n.x|string }}", "{{ item|replace('q', 'r') }}", "{{ vars.A|default('x') }}",
        "{{ execution.id ~ workflow.name }}", "{% for x in payload.list %}{{ x }}{% endfor %}", "{{ payload[payload.x] }}",
        "{{ payload|keys|join }}", "{{ [payload.x]|map('trim')|list }}", "{{ payload.list|tojson|fromjson }}",
    ]  # fmt: skip
    for text in texts:
        rendered = str(compile_config({"a": {"b": [text]}}).render(scope))
        assert "49" not in rendered
        assert "012345678" not in rendered
        assert "7*7" in rendered


def test_lazy_scope_values() -> None:
    class Lazy(dict[str, Any]):
        def __missing__(self, key: str) -> Any:
            if key != "fetch":
                raise KeyError(key)
            self[key] = {"body": 3}
            return self[key]

    scope = Scope(nodes=Lazy())
    assert render("{{ nodes.fetch.body + 1 }}", scope) == 4
    assert type(render("{{ nodes }}", scope)) is dict
    with pytest.raises(LanguageError, match="does not exist"):
        render("{{ nodes.other }}", scope)


def test_item_scope() -> None:
    scope = SCOPE.with_item({"n": 1}, 4)
    assert render("{{ item.n + index + payload.score }}", scope) == 90


def test_an_object_that_is_not_json_is_refused() -> None:
    with pytest.raises(LanguageError, match="not JSON"):
        render("{{ payload.x }}", Scope(payload={"x": object()}))


def test_compiled_once() -> None:
    assert compile_expression("{{ payload.once }}") is compile_expression("{{ payload.once }}")

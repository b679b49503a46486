"""Bombs end soon, small, and with a LanguageError; random templates over random data do too."""

import concurrent.futures
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trestle.language import LanguageError, Scope, compile_expression
from trestle.language.filters import FILTERS
from trestle.language.functions import TESTS

BIG = "x" * 1_000_000
SCOPE = Scope(payload={"s": BIG, "list": list(range(10_000)), "texts": ["y" * 1000] * 5_000, "object": {"a": 1}, "n": 3})

BOMBS = [
    "{{ range(10**9) }}",
    "{{ range(10**9)|list }}",
    "{{ range(0, -10**18, -1)|length }}",
    "{{ range(9999)|map('string')|join(payload.s) }}",
    "{{ 'a' * 10**9 }}",
    "{{ 10**9 * 'a' }}",
    "{{ [0] * 10**9 }}",
    "{{ 9**9**9 }}",
    "{{ 9**9999999999 }}",
    "{{ 2.0**99999 }}",
    "{{ 10**300 * 10**300 * 10**300 }}",
    "{{ " + "9" * 5000 + " }}",
    "{{ 1e999 }}",
    "{{ " + " ~ ".join(["payload.s"] * 500) + " }}",
    "{{ " + " + ".join(["payload.s"] * 500) + " }}",
    "{{ " + " + ".join(["payload.list"] * 400) + " }}",
    "{{ [" + ", ".join(["payload.s ~ payload.s"] * 100) + "] }}",
    "{{ payload.s|replace('x', payload.s) }}",
    "{{ payload.s|replace('', payload.s) }}",
    "{{ payload.s|indent(16) ~ payload.s }}",
    "{{ payload.texts|join(payload.s) }}",
    "{{ payload.s|list|length }}",
    "{{ payload.s|split('x') }}",
    "{{ payload.s|batch(1) }}",
    "{{ payload.s|upper|lower|upper|lower|title|trim|upper|lower|upper|lower|title|trim|upper|lower|upper|lower|title|trim }}",
    "{% for a in payload.list %}{% for b in payload.list %}{% for c in payload.list %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in payload.list %}{{ payload.s }}{% endfor %}",
    "{% for a in payload.list %}" + "literal " * 500 + "{% endfor %}",
    "{% for a in payload.list %}{{ payload.list|tojson|length }}{% endfor %}",
    "{% for a in payload.list %}{{ payload.list|sort|length }}{% endfor %}",
    "{% for a in payload.list %}{% if a in payload.list %}{% endif %}{% endfor %}",
    "{% for a in payload.list %}{% if -1 in payload.list %}{% endif %}{% endfor %}",
    "{% for a in payload.list %}{% if payload.list == payload.list %}{% endif %}{% endfor %}",
    "{% for a in payload.list %}{% if 'q' in payload.s %}{% endif %}{% endfor %}",
    "{% for a in payload.list %}{% set x = payload.list[::-1] %}{% endfor %}",
    "{% for a in payload.list %}{% set x = payload.s[1:] %}{% endfor %}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 200 + "{{ a }}",
    "{% set a = [1, 2] %}" + "{% set a = a + a %}" * 200 + "{{ a }}",
    "{% set a = [1, 2] %}" + "{% set a = [a, a] %}" * 200 + "{{ a }}",
    "{% set a = [1, 2] %}" + "{% set a = [a, a] %}" * 200 + "{{ a == a }}",
    "{% set a = [1, 2] %}" + "{% set a = [a, a] %}" * 200 + "{{ a|tojson }}",
    "{% set a = [1, 2] %}" + "{% set a = [a, a] %}" * 200 + "{{ [a]|unique }}",
    "{% set a = {'a': 1} %}" + "{% set a = {'a': a, 'b': a} %}" * 200 + "{{ a|urlencode }}",
    "".join(f"{{% for x{i} in range(10) %}}" for i in range(30)) + "." + "{% endfor %}" * 30,
    "{{ " + "(" * 200 + "1" + ")" * 200 + " }}",
    "{{ " + "(" * 3500 + "1" + ")" * 3500 + " }}",
    "{{ " + "[" * 3500 + "1" + "]" * 3500 + " }}",
    "{{ " + "-" * 3500 + "1 }}",
    "{{ " + "not " * 2000 + "1 }}",
    "{{ " + "{'a':" * 1000 + "1" + "}" * 1000 + " }}",
    "{{ payload" + "[payload" * 500 + "]" * 500 + " }}",
    "{{ 1" + " if 1 else 1" * 600 + " }}",
    "{{ payload.n" + "|default(payload.n" * 400 + ")" * 400 + " }}",
    "{{ " + "payload.zz|default(" * 300 + "1" + ")" * 300 + " }}",
    "{{ " + "x" * 9000 + " }}",
    "x" * 9000 + "{{ payload.n }}",
    "{{ '" + "[" * 7000 + "'|fromjson }}",
    "{{ now|date('" + "%Y" * 3000 + "') }}",
    "{{ now|shift(days=10**300) }}",
    "{{ 10**300|date }}",
    "{{ now|date('%100000000Y') }}",
    "{{ payload.s|int }}",
    "{{ payload.s|float }}",
    "{{ payload.s|replace('x', '<')|escape }}",
    "{{ payload.s|tojson(indent=10**9) }}",
    "{{ payload.s|truncate(10**12) }}",
]

HARMLESS = [
    "{{ payload.n" + " + 1" * 1500 + " }}",
    "{{ payload.n" + " - 1" * 1500 + " }}",
    "{{ true" + " and true" * 700 + " }}",
    "{{ payload.n" + "|string|int" * 30 + " }}",
    "{{ '<" + "<" * 4000 + "'|striptags }}",
    "{{ '" + "%Y" * 3000 + "' }}",
    "{% if payload.n %}" * 30 + "{% endif %}" * 30,
]


@pytest.mark.parametrize("number", range(len(BOMBS)))
def test_a_bomb_ends_soon_with_an_error(number: int) -> None:
    started = time.process_time()
    with pytest.raises(LanguageError):
        compile_expression(BOMBS[number]).render(SCOPE)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("number", range(len(HARMLESS)))
def test_long_but_harmless(number: int) -> None:
    started = time.process_time()
    compile_expression(HARMLESS[number]).render(SCOPE)
    assert time.process_time() - started < 1


MEASURE = """
import resource, sys
sys.path.insert(0, {root!r})
from tests.language.test_bounds import BOMBS, SCOPE
from trestle.language import LanguageError, compile_expression
compile_expression("{{{{ payload.n + 1 }}}}").render(SCOPE)
worst = 0
for bomb in BOMBS:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        compile_expression(bomb).render(SCOPE)
    except LanguageError:
        pass
    worst = max(worst, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
print(worst)
"""


def test_memory_stays_small(pytestconfig: pytest.Config) -> None:
    code = MEASURE.format(root=str(pytestconfig.rootpath))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120, cwd=pytestconfig.rootpath)
    assert int(done.stdout) < 64 * 1024  # KB that any one bomb added to the peak


def test_large_payloads_cost_nothing_to_look_into() -> None:
    scope = Scope(payload={"items": [{"id": i, "tags": ["a", "b"]} for i in range(10_000)], "n": 1})
    expression = compile_expression("{{ payload.n + payload.items[5000].id }}")
    expression.render(scope)
    started = time.process_time()
    for _ in range(100):
        expression.render(scope)
    assert time.process_time() - started < 0.5  # one eager freeze of this payload took 29 ms: all of them, 2.9 s


def test_threads_share_compiled_expressions() -> None:
    expression = compile_expression("{{ payload.n ~ '-' ~ payload.n|string|length }}{% for i in range(20) %}{{ i }}{% endfor %}")

    def work(number: int) -> str:
        return str(expression.render(Scope(payload={"n": number}))) + str(compile_expression(f"{{{{ {number} + 1 }}}}").render(SCOPE))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tail = "".join(map(str, range(20)))
        for number, text in enumerate(pool.map(work, range(400))):
            assert text == f"{number}-{len(str(number))}{tail}{number + 1}"


def test_many_expressions_stay_bounded() -> None:
    for number in range(3000):
        assert compile_expression(f"{{{{ {number} + 1 }}}}").render(SCOPE) == number + 1
    assert compile_expression("{{ 0 + 1 }}").render(SCOPE) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.sampled_from("abc"), inner, max_size=4),
    max_leaves=12,
)
PATHS = ["payload", "payload.a", "payload.b", "payload['c']", "payload.a.b", "payload[0]", "payload.a[1:]", "input", "now", "item", "nope"]
NUMBERS = ["1", "0", "-1", "2.5", "1e308", str(2**100)]
ATOMS = st.sampled_from([*PATHS, *NUMBERS, "''", "'a'", "'é%s{{'", "true", "none", "[]", "[1, 'a']", "{'a': payload}", "range(3)"])
BINARY = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or", "|", ".", "is"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, BINARY, inner).map(" ".join)
        | st.tuples(inner, st.sampled_from(sorted(FILTERS))).map("|".join)
        | st.tuples(inner, st.sampled_from(sorted(FILTERS)), inner).map(lambda t: f"{t[0]}|{t[1]}({t[2]})")
        | st.tuples(inner, st.sampled_from(sorted(TESTS)), inner).map(lambda t: f"{t[0]} is {t[1]}({t[2]})")
        | st.tuples(inner, st.sampled_from(sorted(TESTS))).map(" is ".join)
        | st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})")
        | inner.map(lambda t: f"({t})")
        | st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}]")
        | inner.map(lambda t: f"{t}|default('d')")
    ),
    max_leaves=8,
)
RELAXED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and is_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(is_json(item) for item in value)
    return value is None or type(value) in (str, int, float, bool)


@RELAXED
@given(EXPRESSIONS, JSON)
def test_any_expression_gives_json_or_a_language_error(text: str, data: Any) -> None:
    scope = Scope(payload=data, input=data)
    for whole in (f"{{{{ {text} }}}}", f"a {{{{ {text} }}}}", f"{{% for x in {text} %}}{{{{ x }}}}{{% endfor %}}"):
        try:
            value = compile_expression(whole).render(scope)
        except LanguageError:
            continue
        assert is_json(value)


@RELAXED
@given(st.text(alphabet="{}%#-'\"\\|.()[]a1~*/ payloadforinif_\n\x00é", max_size=60), JSON)
def test_any_text_gives_json_or_a_language_error(text: str, data: Any) -> None:
    for whole in (text, f"{{{{{text}}}}}", f"{{%{text}%}}"):
        try:
            value = compile_expression(whole).render(Scope(payload=data))
        except LanguageError:
            continue
        assert is_json(value)


@RELAXED
@given(JSON)
def test_a_path_gives_the_value_itself(data: Any) -> None:
    scope = Scope(payload={"v": data})
    assert compile_expression("{{ payload.v }}").render(scope) is data
    through = compile_expression("{{ payload.v if true else 0 }}").render(scope)
    assert through == data
    assert type(through) is type(data)


@RELAXED
@given(st.text(max_size=50))
def test_text_without_markup_is_itself(text: str) -> None:
    if "{{" not in text and "{%" not in text:
        assert compile_expression(text).render(SCOPE) == text
    assert compile_expression("{{ payload.t }}!").render(Scope(payload={"t": text})) == text + "!"

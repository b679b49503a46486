"""Known ways out of template sandboxes. None may compile and give anything but an error or plain data.

The corpus holds what has worked against Jinja2, Twig, Liquid, Mako, JavaScript and Python evaluators; most of it is refused
when it is compiled, because the language has no attributes, no methods and no host objects to begin with.
"""

import contextlib
import os
from typing import Any

import pytest

from trestle.language import LanguageError, Scope, compile_condition, compile_expression
from trestle.language.filters import FILTERS
from trestle.language.machine import machine

SCOPE = Scope(
    payload={"x": "abc", "n": 3, "list": [1, 2], "object": {"a": 1}, "cls": "__class__", "f": 1.5, "none": None, "t": True},
    trigger={"headers": {"cookie": "c"}},
    input={"cmd": "id"},
    nodes={"a": {"body": "b"}},
    vars={"A": "a"},
    execution={"id": "1"},
    workflow={"id": "2"},
)

ESCAPES = [
    # attribute walks
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__']['__mro__'] }}",
    "{{ payload.__class__ }}",
    "{{ payload['__class__'] }}",
    "{{ payload[payload.cls] }}",
    "{{ payload.x.__class__.__base__ }}",
    "{{ payload.x.__len__ }}",
    "{{ payload.list.__class__.__init__.__globals__ }}",
    "{{ payload.list.append }}",
    "{{ payload.list.append(4) }}",
    "{{ payload.object.update({'a': 2}) }}",
    "{{ payload.object.items() }}",
    "{{ payload.object.pop('a') }}",
    "{{ payload.object.setdefault('q', 1) }}",
    "{{ payload.object.clear() }}",
    "{{ payload.n.bit_length() }}",
    "{{ payload.n.real }}",
    "{{ payload.f.hex() }}",
    "{{ payload.f.as_integer_ratio }}",
    "{{ payload.none.__class__ }}",
    "{{ payload.t.__class__ }}",
    "{{ (1).__class__ }}",
    "{{ [].__class__.__base__.__subclasses__()[40]('/etc/passwd').read() }}",
    "{{ ().__class__.__bases__[0].__subclasses__() }}",
    "{{ {}.__class__ }}",
    "{{ dict.__base__ }}",
    "{{ dict.mro() }}",
    "{{ range.__class__ }}",
    "{{ range(3).__class__ }}",
    "{{ payload|attr('__class__') }}",
    "{{ payload|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ ''['\\u005f\\u005fclass\\u005f\\u005f'] }}",
    "{{ payload.list|map(attribute='__class__')|list }}",
    "{{ payload.list|map(attribute='__class__.__mro__')|list }}",
    "{{ payload.list|map('attr', '__class__')|list }}",
    "{{ payload.list|groupby('__class__') }}",
    "{{ payload.list|sort(attribute='__class__') }}",
    "{{ payload.list|sum(attribute='__class__') }}",
    "{{ payload.list|unique(attribute='__class__') }}",
    "{{ payload.list|join(',', '__class__') }}",
    "{{ payload.list|first|attr('__class__') }}",
    # globals of Jinja2, Flask, Django, minijinja
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ namespace(a=1) }}",
    "{{ cycler('a') }}",
    "{{ lipsum() }}",
    "{{ debug() }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ request.application.__globals__ }}",
    "{{ config.items() }}",
    "{{ config.__class__.from_envvar }}",
    "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ g.pop.__globals__ }}",
    "{{ session }}",
    "{{ settings.SECRET_KEY }}",
    "{{ _c(0) }}",
    "{{ _p(0) }}",
    "{{ _keep(1) }}",
    "{{ _get(payload, 'x') }}",
    "{{ f_upper(payload.x) }}",
    "{{ v_x }}",
    "{{ g_range(3) }}",
    "{{ _kept }}",
    "{{ loop }}",
    "{{ super() }}",
    "{{ caller() }}",
    "{{ varargs }}",
    "{{ kwargs }}",
    "{{ __import__('os').system('id') }}",
    "{{ open('/etc/passwd').read() }}",
    "{{ eval('1+1') }}",
    "{{ exec('1') }}",
    "{{ getattr(payload, 'x') }}",
    "{{ globals() }}",
    "{{ vars.__dict__ }}",
    "{{ env('HOME') }}",
    "{{ os.environ }}",
    # statements
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import system %}",
    "{% extends 'x' %}",
    "{% macro m() %}{{ m() }}{% endmacro %}",
    "{% call m() %}{% endcall %}",
    "{% block b %}{% endblock %}",
    "{% do payload.list.append(1) %}",
    "{% filter upper %}x{% endfilter %}",
    "{% autoescape true %}x{% endautoescape %}",
    "{% raw %}{{ payload }}{% endraw %}",
    "{% with a=1 %}{{ a }}{% endwith %}",
    "{% set payload.x = 1 %}",
    "{% set payload = 1 %}",
    "{% set _p = 1 %}{{ _p(0) }}",
    "{% set payload %}x{% endset %}",
    "{% for payload in [1] %}{{ payload }}{% endfor %}",
    "{% for loop in [1] %}{% endfor %}",
    "{% for x in payload.list recursive %}{{ loop(x) }}{% endfor %}",
    "{% for x in payload.list %}{{ loop.__class__ }}{% endfor %}",
    "{% for x in payload.list %}{{ loop.cycle('a') }}{% endfor %}",
    "{% for x in payload.list %}{{ loop.previtem }}{% endfor %}",
    "{% set x = 1 %}{{ x.__class__ }}",
    "{% set x = payload.list %}{{ x.append(1) }}",
    "{%- if payload.__class__ %}y{% endif %}",
    "{% debug %}",
    "{% print(1) %}",
    "{% trans %}x{% endtrans %}",
    "{% if true %}{% endfor %}{% for x in [] %}{% endif %}",
    # format strings and other filters that reach further
    "{{ '%c%c'|format(95, 95) }}",
    "{{ '{0.__class__}'|format(payload) }}",
    "{{ '{0.__class__}'.format(payload) }}",
    "{{ '%s' % payload }}",
    "{{ '%c' % 95 }}",
    "{{ payload|pprint }}",
    "{{ payload|xmlattr }}",
    "{{ payload|safe }}",
    "{{ payload|forceescape }}",
    "{{ payload|tojson|safe }}",
    "{{ payload.x|map('__class__') }}",
    "{{ payload.list|map('map', 'upper')|list }}",
    "{{ payload.list|select('__class__')|list }}",
    "{{ payload.x is callable }}",
    "{{ payload.x is sameas payload.x }}",
    "{{ payload|tojson(__class__=1) }}",
    "{{ payload.list|sort(key=1) }}",
    "{{ now|date('%999999999d') }}",
    "{{ now|date('%Y', '../../../etc/passwd') }}",
    "{{ now|date('%Y', '/etc/localtime') }}",
    "{{ payload.n()(1) }}",
    "{{ 'x'() }}",
    "{{ range(3)(1) }}",
    "{{ payload.list[payload.list] }}",
    "{{ payload.list[true] }}",
    "{{ payload['x', 'y'] }}",
    "{{ payload.list[1.0] }}",
    "{{ payload.x['upper'] }}",
    # closing the generated code from inside
    "{{ '}}{{ debug() }}' ~ payload.nope }}",
    "{{ payload.x ~ '\\'); _keep(1) #' ~ nope }}",
    "{{ payload.x) }}{{ debug( }}",
    "{{ payload.x }}{% endif %}",
    "{{ payload.x|default(x=1) }}",
    "{{ payload.x|default(_p(0)) }}",
    "{{ payload.x|default('a', debug()) }}",
    "{{ dict(v_a=_p) }}",
    "{{ dict(__class__=1) }}",
    "{{ range(stop=1, **payload) }}",
    "{{ range(*payload.list) }}",
    "{{ payload.x if }}",
    "{{ payload. x . __class__ }}",
    "{{ payload|\nattr('x') }}",
    # other languages
    "{{ constructor.constructor('return process')() }}",
    "{{ payload.constructor.constructor('return 1')() }}",
    "{{ this.process.mainModule.require('child_process') }}",
    "{{ $json.x }}",
    "{{ ${7*7} }}",
    "{{ `id` }}",
    "{{ T(java.lang.Runtime).getRuntime().exec('id') }}",
    "{{ _self.env.registerUndefinedFilterCallback('exec') }}",
    "{{ [0]|reduce('system', 'id') }}",
    "{{ payload|filter('system') }}",
    "{{ lambda: 1 }}",
    "{{ [x for x in payload.list] }}",
    "{{ payload.x; 1 }}",
    "{{ payload.x := 1 }}",
    "{{ @payload }}",
    "{{ payload\\x00 }}",
    "{{ \u202epayload }}",
    "{{ payload.x\u0000 }}",
]  # fmt: skip


@pytest.mark.parametrize("text", ESCAPES)
def test_no_way_out(text: str) -> None:
    with pytest.raises(LanguageError):
        compile_expression(text).render(SCOPE)


def test_the_corpus_is_large_enough() -> None:
    assert len(set(ESCAPES)) >= 150


@pytest.mark.parametrize("name", ["__class__", "items", "keys", "get", "pop", "update", "append", "__getitem__", "real", "value", "copy"])
def test_a_name_is_a_key_and_nothing_else(name: str) -> None:
    scope = Scope(payload={"object": {}, "list": [], "text": "", "number": 1, "float": 1.5, "true": True, "null": None})
    for holder in ("object", "list", "text", "number", "float", "true", "null"):
        for text in (
            f"{{{{ payload.{holder}.{name} }}}}",
            f"{{{{ payload.{holder}['{name}'] }}}}",
            f"{{{{ [payload.{holder}][0].{name} }}}}",
        ):
            with pytest.raises(LanguageError):
                compile_expression(text).render(scope)
        assert compile_expression(f"{{{{ payload.{holder}.{name} is defined }}}}").render(scope) is False
    assert compile_expression(f"{{{{ payload.{name} }}}}").render(Scope(payload={name: 7})) == 7


def test_minijinja_itself_offers_nothing() -> None:
    """Even if generated code could name them: its globals are gone, and what is there are the guard functions."""
    environment = machine()._environment
    for name in ("debug", "namespace", "cycler", "joiner", "lipsum", "self", "range", "dict"):
        with pytest.raises(Exception, match=r"unknown function|undefined"):
            environment.render_str(f"{{{{ {name}() }}}}")
    assert all(name.startswith(("_", "f_", "g_", "t_")) for name in environment.globals)


def test_rendering_changes_nothing() -> None:
    payload: dict[str, Any] = {"list": [3, 1, 2], "object": {"b": 1, "a": {"c": 2}}, "text": "x"}
    before = repr(payload)
    scope = Scope(payload=payload)
    for name in FILTERS:
        for value in ("payload", "payload.list", "payload.object", "payload.text"):
            with contextlib.suppress(LanguageError):
                compile_expression(f"{{{{ [{value}|{name}, {value}|{name}(1), {value}|{name}({value})] }}}}").render(scope)
            assert repr(payload) == before


@pytest.mark.parametrize(
    "rule",
    [
        {"var": "__class__"},
        {"var": ["payload.__class__.__mro__"]},
        {"val": ["payload", "__class__"]},
        {"var": "payload.list.append"},
        {"cat": [{"var": "payload.__init__"}]},
    ],
)
def test_logic_sees_data_only(rule: dict[str, Any]) -> None:
    assert compile_condition(rule).holds(SCOPE) is False


@pytest.mark.parametrize("rule", [{"log": "x"}, {"eval": "1"}, {"method": ["x", "y"]}, {"preserve": {"a": 1}}, {"throw": 1}, {"try": [1]}])
def test_logic_operators_that_do_not_exist(rule: dict[str, Any]) -> None:
    with pytest.raises(LanguageError):
        compile_condition(rule)


def test_the_environment_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "CANARY", "canary-7f3a")
    for text in ESCAPES:
        try:
            rendered = repr(compile_expression(text).render(SCOPE))
        except LanguageError as error:
            rendered = str(error)
        assert "canary-7f3a" not in rendered
        assert "root:x" not in rendered

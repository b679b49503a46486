"""Keys in a field for code, and in one for JSON: `|` is the cursor, `[` and `]` around what is selected are ⟦ and ⟧."""

import pytest

from tests.web.editor.browser_modules import BrowserModules


def _field(text: str) -> dict[str, object]:
    if "|" in text:
        return {"value": text.replace("|", ""), "start": text.index("|"), "end": text.index("|")}
    start, end = text.index("⟦"), text.index("⟧") - 1
    return {"value": text.replace("⟦", "").replace("⟧", ""), "start": start, "end": end}


def _shown(value: str, start: int, end: int) -> str:
    return f"{value[:start]}|{value[start:]}" if start == end else f"{value[:start]}⟦{value[start:end]}⟧{value[end:]}"


@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        ("x|", {"key": "Tab"}, "x    |"),
        ("⟦a\nb⟧", {"key": "Tab"}, "⟦    a\n    b⟧"),
        ("    a\n  ⟦  b\n\tc⟧", {"key": "Tab", "shift": True}, "    a\n⟦b\nc⟧"),
        ("    a|", {"key": "Tab", "shift": True}, "a|"),
        ("a|", {"key": "Tab", "shift": True}, None),  # nothing to take away: the browser goes back to the field before
        ("if x:|", {"key": "Enter"}, "if x:\n    |"),
        ("  f(|)", {"key": "Enter"}, "  f(\n      |\n  )"),
        ("  a|b", {"key": "Enter"}, "  a\n  |b"),
        ("f|", {"key": "("}, "f(|)"),
        ("f|x", {"key": "("}, None),
        ("f(|)", {"key": ")"}, "f()|"),
        ("f(|)", {"key": "Backspace"}, "f|"),
        ("f(⟦x⟧)", {"key": "["}, "f([⟦x⟧])"),
        ("x = |", {"key": "'"}, "x = '|'"),
        ("x = 'a|'", {"key": "'"}, "x = 'a'|"),
        ("don|", {"key": "'"}, None),
        ("''|", {"key": "'"}, None),  # the third of three
        ("⟦a\n  b⟧", {"key": "/", "mod": True}, "⟦# a\n  # b⟧"),
        ("⟦# a\n  # b⟧", {"key": "/", "mod": True}, "⟦a\n  b⟧"),
        ("|# a", {"key": "/", "mod": True}, "|a"),  # the whole line counts, wherever in it the cursor is
        ("x\n  |  # a\ny", {"key": "/", "mod": True}, "x\n|    a\ny"),
        ("  |  a", {"key": "/", "mod": True}, "    |# a"),
        ("⟦# a\n# ⟧b", {"key": "/", "mod": True}, "⟦a\nb⟧"),
        ("|\na", {"key": "Tab", "shift": True}, None),
        ("|\n  a", {"key": "Enter"}, "\n|\n  a"),
        ("a|", {"key": "x"}, None),
        ("⟦a⟧", {"key": "c", "mod": True}, None),
    ],
)
def test_keys(js: BrowserModules, before: str, key: dict[str, object], after: str | None) -> None:
    field = _field(before)
    _check(js, field, key, "python", after)


@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        ("|", {"key": "{"}, "{|}"),
        ("{|}", {"key": "{"}, "{{|}}"),  # an expression begins: from here on it is none of JSON's
        ("{{|}}", {"key": "Enter"}, None),
        ("{{ payload.x| }}", {"key": '"'}, None),
        ("|", {"key": '"'}, None),  # a text, as people write them
        ("Dear (|", {"key": "Tab"}, None),
        ("{|}", {"key": "Enter"}, "{\n  |\n}"),
        ('{\n  "a": [|]\n}', {"key": "Enter"}, '{\n  "a": [\n    |\n  ]\n}'),
        ('{"a": 1,|', {"key": "Enter"}, '{"a": 1,\n|'),
        ('{\n  "a": 1,|\n}', {"key": "Enter"}, '{\n  "a": 1,\n  |\n}'),
        ("{|}", {"key": '"'}, '{"|"}'),
        ('{"a|"}', {"key": '"'}, '{"a"|}'),
        ('{"a": "{{|}}"}', {"key": "Backspace"}, None),
        ('{"|"}', {"key": "Backspace"}, "{|}"),
        ("{\n|\n}", {"key": "Tab"}, "{\n  |\n}"),
        ('{\n|"a": 1\n}', {"key": "Tab"}, '{\n  |"a": 1\n}'),
        ('{\n⟦"a": 1,\n"b": 2⟧\n}', {"key": "Tab"}, '{\n⟦  "a": 1,\n  "b": 2⟧\n}'),
        ('{\n  "a": ⟦1⟧\n}', {"key": "Tab"}, None),  # on to the next field
        ("{}|", {"key": "Tab"}, None),
        ("|{}", {"key": "Tab"}, None),
        ('{\n  "a": 1|\n}', {"key": "Tab", "shift": True}, '{\n"a": 1|\n}'),
        ("{\n}|", {"key": "Tab", "shift": True}, None),
    ],
)
def test_keys_in_json(js: BrowserModules, before: str, key: dict[str, object], after: str | None) -> None:
    _check(js, _field(before), key, "json", after)


def _check(js: BrowserModules, field: dict[str, object], key: dict[str, object], language: str, after: str | None) -> None:
    edit = js.call("code_keys.js", "keyed", field, key, language)
    if edit is None or after is None:
        assert edit is after
        return
    value = str(field["value"])
    assert _shown(value[: edit["from"]] + edit["insert"] + value[edit["to"] :], *edit["select"]) == after

"""YAML limited to what JSON can say: no aliases (they can unfold without bound), no tags, no dates."""

from typing import Any

import yaml

from backend.errors import BadRequest, Unprocessable
from backend.json_body import MAX_DEPTH

_JSON_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str")}


class _Loader(yaml.SafeLoader):
    """Knows JSON's types only; a key twice in one mapping is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping. Raises Unprocessable for a key that is there twice, or is no text."""
        seen = set()
        for key, _ in node.value:
            name = key.value
            if key.tag != "tag:yaml.org,2002:str":
                raise Unprocessable(f"Line {key.start_mark.line + 1}: a key must be a text. Put it in quotes.")
            if name in seen:
                raise Unprocessable(f"Line {key.start_mark.line + 1}: the key “{name}” is there twice. Give each key once.")
            seen.add(name)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _JSON_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(body: bytes) -> Any:
    """The value of a YAML document. Raises BadRequest where it is none, Unprocessable where JSON could not say it."""
    try:
        text = body.decode()
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                raise Unprocessable("Aliases (*name) are not taken. Write the value out.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise Unprocessable(f"The document is nested deeper than {MAX_DEPTH} levels. Flatten it.")
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with less
        _check(value)
    except (yaml.YAMLError, ValueError) as error:
        raise BadRequest(f"This is not valid YAML. {_where(error)}") from None
    return value


def _where(error: Exception) -> str:
    """What the reader stumbled over, and where, as far as it says so."""
    said = getattr(error, "problem", None) or " ".join(str(error).split())
    mark = getattr(error, "problem_mark", None)
    return f"{said[:1].upper()}{said[1:]}." if mark is None else f"Line {mark.line + 1}, column {mark.column + 1}: {said}."


def _check(value: Any) -> None:
    if isinstance(value, dict | list):
        for inner in (part for pair in value.items() for part in pair) if isinstance(value, dict) else value:
            _check(inner)
    elif isinstance(value, str):
        value.encode()  # half a surrogate pair is no character
    elif isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise Unprocessable("NaN and infinity are not taken. Write a number, or leave it out.")
    elif not isinstance(value, int | float | bool | None):
        raise Unprocessable(f"A {type(value).__name__} is not taken. Write it as text.")


def dump(value: Any) -> str:
    """YAML text that `parse` reads back as the same value."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Equal parts are written out each time."""
        return True

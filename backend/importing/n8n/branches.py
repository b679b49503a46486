"""n8n's nodes that choose a way: If, Filter and Switch, in all their versions.

Where many items come in, each goes its own way there. Here a list goes through one node for each way, which keeps what belongs there.
"""

from dataclasses import dataclass, replace
from typing import Any

from backend.importing.n8n.conditions import DEFAULTS, braced, compared, condition, first_condition, is_first
from backend.importing.n8n.expressions import compiled
from backend.importing.n8n.flow import Flow
from backend.importing.n8n.parameters import Made, Other, Parameters, word
from backend.importing.sheet import free_label
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAIN

ELSE = "else"
_RESERVED = ("main", "error", "else", "timeout")
_LABEL_SIZE = 60
_MOST_SIEVES = 30
_MOST_OUTPUTS = 100
_OUTPUTS = 4
"""Of a Switch whose number of outputs is left at what it is."""


@dataclass
class _Way:
    """A case: the output there that it leaves by, its name, and its condition without braces; None where there is no saying it."""

    output: int
    label: str
    said: str | None


def branch(given: Parameters) -> Made:
    """If: true leaves by the first output."""
    said = _condition(given)
    if given.taken.amount != "one":
        return _sieves(given, [_Way(0, "true", said and said[2:-2].strip())], 1)
    case: JsonObject = {"label": "true"}
    return Made({"cases": [case | ({"condition": said} if said else {})]}, given.taken, ports=(("true",), (ELSE,)))


def filtered(given: Parameters) -> Made:
    """Filter: what doesn't pass goes nowhere."""
    said = _condition(given)
    config: JsonObject = {"condition": said} if said else {}
    if given.taken.amount == "one":
        return Made(config, given.taken, ports=((MAIN,), ("rejected",)))
    return Made({"items": given.items(), **config}, _kept(given), type="list.filter")


def switch(given: Parameters) -> Made:
    """Switch: rules, or an expression that counts the outputs."""
    if given.get("mode", "rules") == "expression":
        return _by_number(given)
    ways, last = _ways(given)
    if given.taken.amount != "one":
        return _sieves(given, ways, last)
    ports: dict[int, list[str]] = {}
    cases: list[JsonObject] = []
    taken = dict.fromkeys(_RESERVED, 1)
    for way in ways:
        label = free_label(way.label.strip()[:_LABEL_SIZE] or "case", taken)
        cases.append({"label": label, **({"condition": f"{{{{ {way.said} }}}}"} if way.said else {})})
        ports.setdefault(way.output, []).append(label)
    if last is not None:
        ports.setdefault(last, []).append(ELSE)
    count = max(ports, default=-1) + 1
    if not cases:
        given.lose("rules", "It has no rules. Add a case.")
    return Made({"cases": cases}, given.taken, ports=tuple(tuple(ports.get(place, ())) for place in range(count)))


def _condition(given: Parameters) -> str | None:
    value = given.get("conditions")
    any_of = given.get("combineOperation") == "any" or given.get("combineConditions") == "OR"
    options = given.options("ignoreCase", "looseTypeValidation")
    if is_first(value):
        said, reason = first_condition(given.read, value, " or " if any_of else " and ")
    else:
        said, reason = condition(given.read, value, ignore_case=options.get("ignoreCase") is True)
    if said is None:
        given.lose("conditions", f"{reason} Write the condition anew.")
    else:
        _tell_looseness(given, options)
    return said


def _tell_looseness(given: Parameters, options: JsonObject) -> None:
    if given.get("looseTypeValidation", options.get("looseTypeValidation")):
        given.lose("looseTypeValidation", "Texts are not taken for numbers in a comparison here: “5” is not 5.")


def _ways(given: Parameters) -> tuple[list[_Way], int | None]:
    """The cases, and the output for what meets none of them."""
    options = given.options("fallbackOutput", "ignoreCase", "allMatchingOutputs", "renameFallbackOutput", "looseTypeValidation")
    if options.get("allMatchingOutputs") is True:
        given.lose("options.allMatchingOutputs", "Only the first case that is met is taken here. Put a Filter in front of each other way.")
    _tell_looseness(given, options)
    ways = []
    if rules := given.entries("rules", "values"):
        for place, rule in enumerate(rules):
            said, reason = condition(given.read, rule.get("conditions"), ignore_case=options.get("ignoreCase") is True)
            if said is None:
                given.lose(f"rules.values.{place}.conditions", f"{reason} Write the condition anew.")
            ways.append(_Way(place, str(rule.get("outputKey") or _named(rule)), said and said[2:-2].strip()))
    else:
        ways = list(_compared(given))
    fallback = given.get("fallbackOutput", options.get("fallbackOutput"))
    if fallback in ("extra", "last"):
        return ways, len(ways)
    return ways, fallback if isinstance(fallback, int) and not isinstance(fallback, bool) and 0 <= fallback < _MOST_OUTPUTS else None


def _compared(given: Parameters) -> list[_Way]:
    """The rules of the first two versions: each compares one value with another."""
    kind = given.word("dataType", "number")
    operation, right = DEFAULTS.get(kind, ("equal", ""))
    left = given.get("value1", right)
    ways = []
    for place, rule in enumerate(given.entries("rules", "rules")):
        name, value = word(rule.get("operation"), operation), rule.get("value2", right)
        said = compared(given.read, kind, left, name, value)
        if said is None:
            given.lose(f"rules.rules.{place}", f"There is no counterpart to “{left} {name} {value}”. Write the condition anew."[:300])
        output = rule.get("output", 0) if given.version < 2 else place
        label = str(rule.get("outputKey") or ("" if str(value).startswith("=") else value))
        ways.append(_Way(output if isinstance(output, int) and 0 <= output < _MOST_OUTPUTS else place, label or f"case {place + 1}", said))
    return ways


def _by_number(given: Parameters) -> Made:
    count = given.get("numberOutputs", given.get("outputsAmount", _OUTPUTS))
    count = count if isinstance(count, int) and 1 <= count <= _MOST_OUTPUTS else _OUTPUTS
    labels = tuple(f"output {place}" for place in range(count))
    ports = tuple((label,) for label in labels)
    value = given.get("output", 0)
    if given.taken.amount != "one":
        number = given.read.operand(value)
        if number is None:
            given.lose("output", "How the output is counted can't be taken over. Write the conditions anew.")
        return _sieves(given, [_Way(place, label, number and f"{number} == {place}") for place, label in enumerate(labels)], None)
    config = {"value": given.carried("output", 0), "cases": [{"label": label, "equals": place} for place, label in enumerate(labels)]}
    return Made(config, given.taken, type="switch", ports=ports)


def _sieves(given: Parameters, ways: list[_Way], last: int | None) -> Made:
    """A list filter for each way. Each leaves out what a case before it takes."""
    items = given.items()
    conditions: dict[int, list[str]] = {}
    before: list[str] = []
    known = all(way.said for way in ways)
    if len(ways) > _MOST_SIEVES:
        given.lose("rules", f"A list goes more than {_MOST_SIEVES} ways. Write the conditions of these filters anew.")
        ways, known = ways[:_MOST_SIEVES], False
    for way in ways:
        parts = [*(f"not ({one})" for one in before), f"({way.said})" if before else str(way.said)]
        conditions.setdefault(way.output, []).append(" and ".join(parts))
        before.append(way.said or "")
    if last is not None:
        conditions.setdefault(last, []).append(" and ".join(f"not ({one})" for one in before) or "true")
    if known and not all(compiled(braced(parts, " or ")) for parts in conditions.values()):
        given.lose("rules", "The conditions are too long to be written here. Write those of these filters anew.")
        known = False
    outputs = [output for output in sorted(conditions) if output in given.used] or sorted(conditions)[:1]
    nodes = [{"items": items, **({"condition": braced(conditions[output], " or ")} if known else {})} for output in outputs]
    ports: tuple[tuple[str, ...], ...] = tuple((MAIN,) if place == outputs[0] else () for place in range(outputs[0] + 1)) if outputs else ()
    others = tuple(Other("list.filter", config, output) for output, config in zip(outputs[1:], nodes[1:], strict=True))
    # No line: which of the lists a later node goes along with is not known.
    out = replace(_kept(given), line="")
    return Made(nodes[0] if nodes else {"items": items}, out, type="list.filter", ports=ports, others=others)


def _kept(given: Parameters) -> Flow:
    flow = given.taken.listed()
    return Flow(flow.kind, "list", line=given.key, added=flow.added)


def _named(rule: Any) -> str:
    """What a rule compares with, as the name of its case."""
    inner = rule.get("conditions")
    parts = inner.get("conditions") if isinstance(inner, dict) else None
    right = parts[0].get("rightValue") if isinstance(parts, list) and len(parts) == 1 and isinstance(parts[0], dict) else None
    return str(right) if isinstance(right, str | int | float) and not isinstance(right, bool) and not str(right).startswith("=") else ""

"""n8n's Merge in its three versions. What only brings branches together is a Merge here too; what combines items is Python."""

from typing import Any

from backend.importing.n8n.flow import FLATTENED, Flow, python, quoted, read
from backend.importing.n8n.lists import listed
from backend.importing.n8n.parameters import Made, Parameters, list_wanted
from trestle.contracts.base import JsonObject

_SECOND, _THIRD = 2, 3
_INPUTS = tuple(map(str, range(1, 11)))
_FIELD_SIZE = 300
_FIRST_MODES = {
    "mergeByIndex": "combineByPosition",
    "mergeByKey": "combineByFields",
    "keepKeyMatches": "combineByFields",
    "removeKeyMatches": "combineByFields",
    "multiplex": "combineAll",
}
_SECOND_MODES = {"mergeByFields": "combineByFields", "mergeByPosition": "combineByPosition", "multiplex": "combineAll"}


def merge(given: Parameters) -> Made:
    """Merge."""
    mode = given.word("mode", "append")
    for name in ("numberInputs", "chooseBranchMode", "notice"):
        given.get(name)
    if mode == "append":
        given.options()
        return _append(given)
    if mode in ("passThrough", "wait", "chooseBranch"):
        return _choose(given, mode)
    if mode == "combine":
        newest = given.version >= _THIRD or "combineBy" in given.values
        how = given.word("combineBy", "combineByFields") if newest else given.word("combinationMode", "mergeByFields")
        how = _SECOND_MODES.get(how, how)
    else:
        how = _FIRST_MODES.get(mode, mode)
    options = given.options("clashHandling", "includeUnpaired", "multipleMatches", "disableDotNotation", "fuzzyCompare")
    return _combine(given, str(how), options)


def _append(given: Parameters) -> Made:
    """One list of all items. Lists among the inputs go into it item by item."""
    flows = [flow for sources in given.inputs.values() for _, flow in sources]
    kinds = {(flow.kind, flow.added) for flow in flows}
    kind, added = kinds.pop() if len(kinds) == 1 else ("unsure", frozenset())
    if any(flow.at for flow in flows):
        given.lose("mode", "One of the inputs holds its list in a field. Write the items of the nodes that follow anew.")
    for flow in flows:
        if flow.amount == "many":
            given.sheet.lose(given.node, list_wanted(flow).replace("“Items” is {{ input }} now", "All that comes in is put together"))
            break
    at = "" if all(flow.amount == "one" for flow in flows) else FLATTENED
    return Made({"mode": "list"}, Flow(kind, "list", at=at, line=given.key, added=added))


def _choose(given: Parameters, mode: str) -> Made:
    """The data of one input, when all have come. The one that is chosen is connected first."""
    if given.get("output") == "empty":
        return Made({"fields": {}}, type="set", join="all")
    given.get("useDataOfInput")
    sources = given.inputs.get(first_input(given.values), [])
    if len(sources) != 1:
        given.lose("mode", "Which input's data goes on can't be told. Connect that one first.")
    flow = sources[0][1] if sources else Flow("unsure")
    return Made({"mode": "first"}, flow, join="all")


def first_input(values: JsonObject) -> int:
    """The number of the input whose connections count first."""
    chosen = str(values.get("useDataOfInput", values.get("output", 1))).removeprefix("input")
    return int(chosen) - 1 if values.get("mode") in ("passThrough", "chooseBranch", "wait") and chosen in _INPUTS else 0


def _combine(given: Parameters, how: str, options: JsonObject) -> Made:
    """Items of two inputs put together, by place, by fields, or each with each."""
    sides = [_items(given, place) for place in sorted(given.inputs)]
    if len(sides) < 2 or None in sides or how not in _BY:
        if how not in _BY:
            given.lose("mode", f"There is no combining of the kind “{how}” here. Write in Python what it does.")
        else:
            given.lose("mode", "What is combined comes from several nodes. Write in Python how: nodes['…'] is a node's output.")
        return Made({"mode": "object"}, Flow("unsure"))
    first, second = "one", "other"
    clash = options.get("clashHandling")
    values = clash.get("values") if isinstance(clash, dict) else None
    rules: JsonObject = values if isinstance(values, dict) else {}
    prefers = rules.get("resolveClash", "preferInput1" if given.values.get("joinMode") == "enrichInput2" else "preferLast")
    if prefers == "addSuffix":
        given.lose("options.clashHandling", "Of two fields with one name the second input's stays. Rename one of them before.")
    if rules.get("mergeMode") == "deepMerge":
        given.lose("options.clashHandling", "Objects within the items are not merged: of two with one name, one stays.")
    if options.get("fuzzyCompare") is True:
        given.lose("options.fuzzyCompare", "“5” is not 5 here.")
    both = f"{{**{second}, **{first}}}" if prefers == "preferInput1" else f"{{**{first}, **{second}}}"
    code, out = _BY[how](given, sides, both, options)
    return Made({"code": code}, out, type="code.python", join="all")


def _items(given: Parameters, place: int) -> str | None:
    """The items of an input as Python's list; None where nobody can say."""
    sources = given.inputs.get(place, [])
    if len(sources) != 1:
        return None
    key, flow = sources[0]
    root = f"nodes[{quoted(key)}]"
    if flow.amount == "one":
        item = read(flow, root, [])
        return item and f"[{python(item)}]"
    if flow.amount == "many":
        given.sheet.lose(given.node, list_wanted(flow).replace("“Items” is {{ input }} now", f"The code takes {root} for it"))
        return root
    whole, item = listed(flow, root), read(flow, "entry", [])
    return item and (whole if item == "entry" else f"[{python(item)} for entry in {whole}]")


def _by_place(given: Parameters, sides: list[Any], both: str, options: JsonObject) -> tuple[str, Flow]:
    join = given.word("join", "left" if given.version < _SECOND else "inner")
    keeps_all = options.get("includeUnpaired") is True or join in ("left", "outer")
    if len(sides) > 2:
        given.lose("numberInputs", "Two inputs are combined here: the first two.")
    if all(flow.amount == "one" for sources in given.inputs.values() for _, flow in sources):
        one, other = (side[1:-1] for side in sides[:2])
        return f"one = {one}\nother = {other}\n{both}", Flow()
    if keeps_all:
        given.lose("options.includeUnpaired", "Items without a partner are left out here.")
    return f"first = {sides[0]}\nsecond = {sides[1]}\n[{both} for one, other in zip(first, second)]", Flow("plain", "list", line=given.key)


def _each_with_each(given: Parameters, sides: list[Any], both: str, options: JsonObject) -> tuple[str, Flow]:
    return f"first = {sides[0]}\nsecond = {sides[1]}\n[{both} for one in first for other in second]", Flow("plain", "list", line=given.key)


def _by_fields(given: Parameters, sides: list[Any], both: str, options: JsonObject) -> tuple[str, Flow]:
    pairs = _pairs(given)
    if any(len(field) > _FIELD_SIZE for pair in pairs for field in pair):
        pairs = []
    if not pairs:
        given.lose("fieldsToMatchString", "It names no fields. Say in the code which must be the same.")
    mode = given.word("mode", "combine")
    join = {"mergeByKey": "enrichInput1", "keepKeyMatches": "keepMatches", "removeKeyMatches": "keepNonMatches"}.get(
        mode, given.word("joinMode", "keepMatches")
    )
    source = given.word("outputDataFrom", "input1" if mode in ("keepKeyMatches", "removeKeyMatches") else "both")
    if options.get("multipleMatches") == "first":
        given.lose("options.multipleMatches", "Every match counts here, not only the first one.")
    tests = [f"{_got('one', one)} is not None and {_got('one', one)} == {_got('other', other)}" for one, other in pairs] or ["False"]
    lines = [f"first = {sides[0]}", f"second = {sides[1]}", "def same(one, other):", f"    return {' and '.join(tests)}"]
    alone = {
        "input1": "[one for one in first if not [other for other in second if same(one, other)]]",
        "input2": "[other for other in second if not [one for one in first if same(one, other)]]",
    }
    matched = f"[{both} for one in first for other in second if same(one, other)]"
    if join == "keepNonMatches":
        last = alone.get(source) or " + ".join(f"[{{**rest, '_source': '{name}'}} for rest in {rest}]" for name, rest in alone.items())
    elif join == "keepMatches" and source == "input1":
        last = "[one for one in first if [other for other in second if same(one, other)]]"
    elif join == "keepMatches" and source == "input2":
        last = "[other for other in second if [one for one in first if same(one, other)]]"
    else:
        rest = {"enrichInput1": ["input1"], "enrichInput2": ["input2"], "keepEverything": ["input1", "input2"]}.get(str(join), [])
        last = " + ".join([matched, *(alone[name] for name in rest)])
    return "\n".join([*lines, last]), Flow("plain", "list", line=given.key)


def _pairs(given: Parameters) -> list[tuple[str, str]]:
    """The fields that must be the same, of the first input and of the second."""
    if one := given.get("propertyName1"):
        return [(str(one), str(given.get("propertyName2") or one))]
    advanced, text = given.get("advanced"), given.get("fieldsToMatchString")
    entries = given.entries("mergeByFields", "values")
    if advanced is True or not text:
        return [(str(entry["field1"]), str(entry["field2"])) for entry in entries if entry.get("field1") and entry.get("field2")]
    return [(part.strip(), part.strip()) for part in str(text).split(",") if part.strip()]


def _got(item: str, field: str) -> str:
    """A field that may be missing, with dots that lead inwards."""
    *outer, last = [quoted(part.strip()) for part in field.split(".")]
    found = item
    for name in outer:
        found = f"({found}.get({name}) or {{}})"
    return f"{found}.get({last})"


_BY = {"combineByPosition": _by_place, "combineByFields": _by_fields, "combineAll": _each_with_each}

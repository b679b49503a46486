"""n8n's nodes that work on all items together: Split Out, Aggregate, Limit, Sort, Remove Duplicates, Summarize, and Item Lists, which was
all of them. Here these are nodes of lists."""

from typing import Any

from backend.importing.n8n.flow import FLATTENED, Flow, name_of, path_steps, python, quoted, steps_of
from backend.importing.n8n.flow import read as read_flow
from backend.importing.n8n.parameters import Made, Parameters, list_wanted, word
from trestle.contracts.base import JsonObject

_FUNCTIONS = {"count": "count", "sum": "sum", "average": "avg", "min": "min", "max": "max", "append": "list"}
_PREFIXES = {"count": "count", "sum": "sum", "average": "average", "min": "min", "max": "max", "append": "appended"}


def item_lists(given: Parameters) -> Made:
    """Item Lists: by its operation."""
    operation = given.word("operation", "splitOutItems")
    given.get("resource")
    known = {
        "splitOutItems": split_out,
        "aggregateItems": aggregate,
        "concatenateItems": aggregate,
        "limit": limit,
        "sort": sort,
        "removeDuplicates": dedupe,
        "summarize": summarize,
    }
    if operation in known:
        return known[operation](given)
    given.lose("operation", f"“{operation}” has no counterpart. Write in Python what it does.")
    return _code(given, "input")


def split_out(given: Parameters) -> Made:
    """Split Out: a list in a field becomes many items, which is that list here."""
    field, include = str(given.get("fieldToSplitOut", "")), given.get("include", "noOtherFields")
    options = given.options("destinationFieldName", "disableDotNotation")
    name = str(options.get("destinationFieldName") or "")
    wanted = given.get("fieldsToInclude")
    steps = [f"[{quoted(field)}]"] if options.get("disableDotNotation") is True else steps_of(field)
    if not field or "," in field or field.startswith("=") or "$" in field.removeprefix("$json.") or _is_odd(steps):
        given.lose("fieldToSplitOut", f"How “{field}” is split can't be taken over. Write it in Python.")
        return _code(given, "input")
    several = given.taken.amount != "one"
    if given.taken.amount == "many":
        given.sheet.lose(given.node, list_wanted(given.taken).replace("“Items” is {{ input }} now", "The code takes `input` for it"))
    holder = "entry" if several else "input"
    source, whole = read_flow(given.taken, holder, steps), read_flow(given.taken, holder, [])
    if source is None or (include != "noOtherFields" and (whole is None or len(steps) > 1)):
        given.lose("fieldToSplitOut", f"What “{field}” is a part of comes from several nodes. Write in Python where the list is.")
        return _code(given, "input")
    key = quoted(name or field)
    if include == "allOtherFields":
        one = f"{{**{{name: value for name, value in {python(str(whole))}.items() if name != {quoted(field)}}}, {key}: one}}"
    elif include == "selectedOtherFields":
        chosen = [part.strip() for part in str(wanted or "").split(",") if part.strip()]
        one = f"{{{', '.join(f'{quoted(part)}: {python(str(whole))}.get({quoted(part)})' for part in chosen)}, {key}: one}}"
    else:
        one = f"{{{key}: one}}" if name else f"one if isinstance(one, dict) else {{{key}: one}}"
    loops = f"for one in {python(source)}"
    return _code(given, f"[{one} {f'for entry in {listed(given.taken)} ' if several else ''}{loops}]")


def _code(given: Parameters, code: str) -> Made:
    return Made({"code": code}, Flow("plain", "list", line=given.key), type="code.python")


def listed(flow: Flow, root: str = "input") -> str:
    """The list in a node's output, as Python writes it."""
    if flow.at == FLATTENED:
        return f"[one for part in {root} for one in (part if isinstance(part, list) else [part])]"
    return root + python(flow.at)


def aggregate(given: Parameters) -> Made:
    """Aggregate: many items become one, with lists in it."""
    options = given.options("destinationFieldName")
    if given.get("aggregate", "aggregateIndividualFields") == "aggregateAllItemData":
        if given.get("include", "allFields") != "allFields":
            given.lose("include", "Items go into the list whole here. Pick their fields in a Set node that runs for each item.")
        for name in ("fieldsToInclude", "fieldsToExclude"):
            given.get(name)
        name = str(given.get("destinationFieldName", options.get("destinationFieldName")) or "data")
        return _together(given, [{"name": name, "function": "list", **_of(given, [])}])
    functions = []
    for entry in given.entries("fieldsToAggregate", "fieldToAggregate"):
        field = str(entry.get("fieldToAggregate") or "")
        if field:
            steps = steps_of(field)
            renamed = str(entry.get("outputFieldName") or "") if entry.get("renameField") is True else ""
            functions.append({"name": renamed or name_of(steps[-1]), "function": "list", **_of(given, steps)})
    return _together(given, functions)


def summarize(given: Parameters) -> Made:
    """Summarize: counts and sums, of all or by groups."""
    given.options()
    functions: list[JsonObject] = []
    for place, entry in enumerate(given.entries("fieldsToSummarize", "values")):
        field, kind = str(entry.get("field") or ""), word(entry.get("aggregation"), "count")
        if kind not in _FUNCTIONS or not field:
            given.lose(f"fieldsToSummarize.values.{place}", f"“{kind}” of “{field}” has no counterpart. Write it in Python.")
            continue
        name = f"{_PREFIXES[kind]}_{field}".replace(".", "_")
        functions.append({"name": name, "function": _FUNCTIONS[kind], **_of(given, steps_of(field))})
    groups = [part.strip() for part in str(given.get("fieldsToSplitBy") or "").split(",") if part.strip()]
    if len(groups) > 1:
        given.lose("fieldsToSplitBy", f"A list is grouped by one value here, now by “{groups[0]}”.")
    if not groups:
        return _together(given, functions)
    of = _of(given, steps_of(groups[0]))
    # The value of the group by its own name too, as it is there.
    made = _together(given, [{"name": groups[0], "function": "first", **of}, *functions])
    if of:
        made.config["group_by"] = of["field"]
    return Made(made.config, Flow("plain", "list", line=given.key), type=made.type)


def _together(given: Parameters, functions: list[JsonObject]) -> Made:
    if not functions:
        given.lose("fieldsToAggregate", "It names no fields. Say what is put together.")
    names = [function["name"] for function in functions]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        given.lose("fieldsToAggregate", f"Two results have the name “{twice.pop()}”. Give one of them another.")
    return Made({"items": given.items(), "functions": functions}, Flow(), type="list.aggregate")


def limit(given: Parameters) -> Made:
    """Limit: so many items."""
    count = given.get("maxItems", 1)
    config: JsonObject = {"items": given.items(), "count": given.carried("maxItems", 1) if isinstance(count, str) else count}
    if given.get("keep", "firstItems") == "lastItems":
        config["keep"] = "last"
    return Made(config, _kept(given), type="list.limit")


def sort(given: Parameters) -> Made:
    """Sort: by one field."""
    given.options()
    config: JsonObject = {"items": given.items()}
    if (kind := given.get("type", "simple")) != "simple":
        given.lose("type", f"There is no order of the kind “{kind}” here. Write it in Python.")
        given.get("code")
        return Made(config, _kept(given), type="list.sort")
    fields = given.entries("sortFieldsUi", "sortField")
    if len(fields) > 1:
        given.lose("sortFieldsUi", "A list is sorted by one field here. For each further one put such a node in front.")
    if fields:
        config["by"] = _of(given, steps_of(str(fields[0].get("fieldName") or "id"))).get("field", "{{ item }}")
        if fields[0].get("order") == "descending":
            config["order"] = "descending"
    else:
        given.lose("sortFieldsUi", "It names no field. Say what the list is sorted by.")
    return Made(config, _kept(given), type="list.sort")


def dedupe(given: Parameters) -> Made:
    """Remove Duplicates: within the items, or against earlier executions."""
    given.options("disableDotNotation", "removeOtherFields")
    operation = given.word("operation", "removeDuplicateInputItems")
    config: JsonObject = {"items": given.items()}
    if operation == "removeItemsSeenInPreviousExecutions":
        config["against"] = "earlier"
        value = given.read.alone(given.get("dedupeValue"))
        if given.get("logic", "removeItemsWithAlreadySeenKeyValues") != "removeItemsWithAlreadySeenKeyValues" or value is None:
            given.lose("dedupeValue", "What makes two items the same can't be taken over. Write it anew, such as {{ item.id }}.")
        else:
            config["by"] = f"{{{{ {value} }}}}"
        return Made(config, _kept(given), type="list.dedupe")
    if operation == "clearDeduplicationHistory":
        given.lose("operation", "What was seen earlier is forgotten by age here: set after how many days.")
    compare, fields = given.get("compare", "allFields"), given.get("fieldsToCompare")
    if compare == "selectedFields":
        names = _names(fields)
        known = [steps for name in names if not _is_odd(steps := steps_of(name))]
        said = [path for steps in known if (path := read_flow(given.taken.listed(), "item", steps))]
        if len(said) == 1:
            config["by"] = _field(said[0])
        elif said:
            config["by"] = f"{{{{ [{', '.join(f'{path}|default(none)' for path in said)}] }}}}"
        if len(said) < max(len(names), 1):
            given.lose("fieldsToCompare", "Which fields are compared can't be taken over. Write it anew, such as {{ item.id }}.")
    elif compare != "allFields":
        given.lose("compare", "Whole items are compared here, or what you name. Name the fields, such as {{ [item.id, item.name] }}.")
    return Made(config, _kept(given), type="list.dedupe")


def _names(value: Any) -> list[str]:
    """`"a, b"`, or `{fields: [{fieldName}]}` in older versions."""
    if isinstance(value, dict):
        found = value.get("fields")
        return [str(one.get("fieldName")) for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [part.strip() for part in str(value or "").split(",") if part.strip()]


def _of(given: Parameters, steps: list[str]) -> JsonObject:
    """The field of an item; nothing for the item itself."""
    path = None if _is_odd(steps) else read_flow(given.taken.listed(), "item", steps)
    if path is None:
        given.lose("fields", "Which fields are meant can't be told: items come from several nodes, or a name is none. Check their names.")
        path = "item" if _is_odd(steps) else "item" + "".join(steps)
    return {} if path == "item" else {"field": _field(path)}


def _is_odd(steps: list[str]) -> bool:
    """Whether one of the names is an expression, or has a quote in it or the like: there is no writing that in a path."""
    return any(name_of(step).startswith("=") or any(sign in step for sign in "\\{}") for step in steps)


def _field(path: str) -> str:
    """A path into `item` as the name of a field, as far as that can be: it may be missing then."""
    names = [name_of(step) for step in path_steps(path)]
    return f"{{{{ {path}|default(none) }}}}" if any("." in name or name.isdecimal() for name in names) else ".".join(names)


def _kept(given: Parameters) -> Flow:
    flow = given.taken.listed()
    return Flow(flow.kind, "list", line=given.key, added=flow.added)

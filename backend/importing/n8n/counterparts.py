"""n8n's nodes that have a counterpart here, by their types there."""

from collections.abc import Iterable
from typing import Any

from backend.importing.n8n import branches, fields, lists, merging, requests, triggers
from backend.importing.n8n.flow import Flow
from backend.importing.n8n.parameters import Counterpart, Made, Parameters
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAIN, NOTE

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}
_YEAR_S = 366 * 86_400
_TEXT_SIZE = 10_000
_CODE_SIZE = 64_000
_SOURCES = ("jsCode", "pythonCode", "functionCode")
_MAKES_MANY = (".map(", ".push(", ".flatMap(")
_NEWER_WAIT = 1.1


def _wait(given: Parameters) -> Made:
    resume = given.get("resume", "timeInterval")
    if resume == "webhook":
        given.options()
        for name in ("httpMethod", "responseMode", "responseData", "responseCode", "incomingAuthentication"):
            given.get(name)
        return Made({"timeout_s": _YEAR_S}, Flow(), type="wait.webhook", ports=((MAIN,),))
    if resume == "specificTime":
        moment = given.get("dateTime", "")
        said = given.carried("dateTime", "")
        if isinstance(moment, str) and (moment.startswith("=") or moment.endswith("Z") or "+" in moment[10:]):
            return Made({"until": said}, given.taken)
        given.lose("dateTime", "A moment is written with its zone here, such as 2030-01-31T09:00:00+01:00.")
        return Made({}, given.taken)
    usual, unit = (5, "seconds") if given.version >= _NEWER_WAIT else (1, "hours")
    amount, unit = given.get("amount", usual), given.word("unit", unit)
    if resume == "timeInterval" and unit in _SECONDS:
        factor = _SECONDS[unit]
        if isinstance(amount, int | float) and not isinstance(amount, bool) and 0 <= amount * factor <= _YEAR_S:
            return Made({"duration_s": amount * factor}, given.taken)
        if said := given.read.alone(amount):
            return Made({"duration_s": f"{{{{ {said}{'' if factor == 1 else f' * {factor}'} }}}}"}, given.taken)
    given.lose("resume", "How long it waits can't be read. Give the delay a duration, or a time.")
    return Made({}, given.taken)


def _stop(given: Parameters) -> Made:
    if given.get("errorType", "errorMessage") == "errorObject":
        return Made({"status": "failed", "message": given.carried("errorObject", "")})
    return Made({"status": "failed", "message": given.carried("errorMessage", "")})


def _note(given: Parameters) -> Made:
    sizes = {
        name: max(least, min(2000, value)) for name, least in (("width", 120), ("height", 60)) if isinstance(value := given.get(name), int)
    }
    given.get("color")
    return Made({"text": str(given.get("content") or "")[:_TEXT_SIZE], **sizes}, given.taken)


def _nothing(given: Parameters) -> Made:
    return Made({"mode": "first"}, given.taken)


def _call(given: Parameters) -> Made:
    """Execute Workflow. Which one it is must be chosen anew: its id there says nothing here."""
    for name in ("source", "workflowId", "workflowJson", "workflowPath", "workflowUrl", "mode", "notice"):
        given.get(name)
    given.lose("workflowId", "Workflows don't come along with the one that calls them. Import that one too, and choose it.")
    options = given.options("waitForSubWorkflow")
    config: JsonObject = {}
    values = given.inner("workflowInputs", "value")
    if isinstance(values, dict) and values:
        config["input"] = given.read.carried(f"{given.path}.workflowInputs.value", values)
    elif given.read.is_each or given.taken.kind != "plain":
        whole = given.read.part([])
        config["input"] = f"{{{{ {whole or 'input'} }}}}"
        if whole is None:
            given.lose("workflowInputs", "What it hands over comes from several nodes. Write its input anew.")
    if options.get("waitForSubWorkflow") is False:
        config["wait"] = False
        return Made(config, given.taken)
    return Made(config)


def _code(given: Parameters) -> Made:
    """The source stays as a comment. Until it is written anew the node says so when it runs."""
    is_python = "ython" in str(given.get("language", "javaScript"))
    is_each = given.get("mode", "runOnceForAllItems") == "runOnceForEachItem"
    source = next((text for name in _SOURCES if isinstance(text := given.get(name), str) and text.strip()), "")
    what = "n8n's Python" if is_python else "JavaScript"
    many = not is_each and any(word in source for word in _MAKES_MANY)
    given.sheet.lose(
        f"{given.node}.type",
        f"There is no counterpart to {what}. It stands as a comment in a node for Python: write below "
        f"it what it does{', so that the last expression is a list: what follows runs for each of its items' if many else ''}.",
    )
    comment = "\n".join(f"# {line}".rstrip() for line in source.splitlines())[:_CODE_SIZE]
    code = f"{comment}\nraise ValueError('Write this anew in Python: the value of the last expression is the output.')".lstrip()
    return Made({"code": code}, given.taken if is_each else Flow("plain", "list", line=given.key) if many else Flow())


def _names(entries: Iterable[tuple[str, Counterpart]]) -> dict[str, Counterpart]:
    return {f"n8n-nodes-base.{name}": counterpart for name, counterpart in entries}


COUNTERPARTS: dict[str, Counterpart] = _names(
    (
        ("webhook", Counterpart("trigger.webhook", triggers.webhook)),
        ("manualTrigger", Counterpart("trigger.manual", triggers.manual)),
        ("start", Counterpart("trigger.manual", triggers.manual)),
        ("scheduleTrigger", Counterpart("trigger.schedule", triggers.schedule)),
        ("cron", Counterpart("trigger.schedule", triggers.cron)),
        ("interval", Counterpart("trigger.schedule", triggers.interval)),
        ("executeWorkflowTrigger", Counterpart("trigger.workflow", triggers.called)),
        ("errorTrigger", Counterpart("trigger.error", triggers.failed)),
        ("if", Counterpart("branch", branches.branch, "sieve")),
        ("filter", Counterpart("filter", branches.filtered, "sieve")),
        ("switch", Counterpart("branch", branches.switch, "sieve")),
        ("merge", Counterpart("merge", merging.merge)),
        ("noOp", Counterpart("merge", _nothing)),
        ("httpRequest", Counterpart("http.request", requests.request, "each")),
        ("respondToWebhook", Counterpart("webhook.respond", requests.respond)),
        ("set", Counterpart("set", fields.set_fields, "each")),
        ("splitOut", Counterpart("code.python", lists.split_out, "sieve")),
        ("itemLists", Counterpart("code.python", lists.item_lists, "sieve")),
        ("aggregate", Counterpart("list.aggregate", lists.aggregate, "list")),
        ("summarize", Counterpart("list.aggregate", lists.summarize, "list")),
        ("limit", Counterpart("list.limit", lists.limit, "list")),
        ("sort", Counterpart("list.sort", lists.sort, "list")),
        ("removeDuplicates", Counterpart("list.dedupe", lists.dedupe, "list")),
        ("executeWorkflow", Counterpart("workflow.call", _call, "each")),
        ("code", Counterpart("code.python", _code)),
        ("function", Counterpart("code.python", _code)),
        ("functionItem", Counterpart("code.python", _code)),
        ("wait", Counterpart("delay", _wait)),
        ("stopAndError", Counterpart("stop", _stop)),
        ("stickyNote", Counterpart(NOTE, _note)),
    )
)
"""By the type there."""


def is_each(kind: str, parameters: Any) -> bool:
    """Whether the node runs once for each item there."""
    if kind in ("n8n-nodes-base.code", "n8n-nodes-base.functionItem"):
        return kind.endswith("functionItem") or parameters.get("mode") == "runOnceForEachItem"
    counterpart = COUNTERPARTS.get(kind)
    if counterpart is None or counterpart.runs != "each":
        return False
    # One call with all items is the usual way of old; for each it must be said.
    return parameters.get("mode") == "each" if kind.endswith("executeWorkflow") else True

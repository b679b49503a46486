"""n8n's triggers that have a counterpart: Webhook, Schedule, Cron, Interval, Manual, Execute Workflow Trigger, Error Trigger."""

import re
from collections.abc import Callable
from typing import Any

from backend.importing.n8n.flow import Flow
from backend.importing.n8n.parameters import Made, Parameters, word
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAIN

_WEBHOOK_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,199}")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_RESPOND = {"onReceived": "immediately", "lastNode": "when_finished", "responseNode": "node"}
_AUTHENTICATED = {"basicAuth": "basic", "headerAuth": "header", "jwtAuth": "jwt"}
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
_USUAL = {"seconds": 30, "minutes": 5}
"""Every how many, where nothing is said; all others: every one."""
_HOURS, _MONTHS = 24, 12
_ZONELESS = (None, "", "DEFAULT")


def webhook(given: Parameters) -> Made:
    """Its body is the payload here."""
    config: JsonObject = {}
    path = str(given.get("path") or "").strip("/")
    if _WEBHOOK_PATH.fullmatch(path):
        config["path"] = path
    elif path:
        given.lose("path", f"“{path}” can't be the path of a webhook here. Choose another one.")
    several = given.get("multipleMethods") is True
    method = given.get("httpMethod", ["GET", "POST"] if several else "GET")
    methods = [one for one in (method if isinstance(method, list) else [method]) if one in _METHODS]
    if methods:
        config["methods"] = methods
    else:
        given.lose("httpMethod", f"A webhook isn't called by {method} here: it takes POST.")
    if several:
        given.lose("multipleMethods", "All methods leave by one way here. A Switch on {{ trigger.method }} tells them apart.")
    mode = given.word("responseMode", "onReceived")
    if mode in _RESPOND:
        config["respond"] = _RESPOND[mode]
    else:
        given.lose("responseMode", "There is no such answer here. Choose how the caller is answered.")
    if given.get("responseData", "firstEntryJson") not in ("firstEntryJson", "allEntries"):
        given.lose("responseData", "The caller gets the workflow's output here. Answer by a node that responds for anything else.")
    given.options()
    if (way := given.word("authentication", "none")) != "none":
        config["auth"] = {"kind": _AUTHENTICATED.get(way, "header")}
        given.lose("authentication", "Secrets don't come along. Choose a credential: without it every call is refused.")
    return Made(config, Flow("webhook"), ports=((MAIN,),) * (len(methods) if several else 1))


def manual(given: Parameters) -> Made:
    """Started by hand."""
    given.get("notice")
    return Made({})


def called(given: Parameters) -> Made:
    """Started by another workflow. What the caller sends is the payload, there as here."""
    for name in ("inputSource", "workflowInputs", "jsonExample", "events", "notice"):
        given.get(name)
    return Made({})


def failed(given: Parameters) -> Made:
    """Started when another workflow failed. What it is told differs."""
    given.get("notice")
    return Made({}, Flow("unsure"))


def schedule(given: Parameters) -> Made:
    """Schedule Trigger, by its first rule where there is one only."""
    rule = given.get("rule")
    intervals = rule.get("interval") if isinstance(rule, dict) else [{}]
    if isinstance(intervals, list) and len(intervals) == 1 and isinstance(intervals[0], dict):
        every = intervals[0]
        unit = word(every.get("field"), "days")
        count = every.get(f"{unit}Interval", _USUAL.get(unit, 1))
        if unit == "cronExpression" and isinstance(expression := every.get("expression"), str) and not expression.startswith("="):
            return _fires(given, {"cron": expression.strip()})
        hour, minute = every.get("triggerAtHour", 0), every.get("triggerAtMinute", 0)
        config = _every(unit, count, hour, minute, every) if _whole(count, hour, minute) and count > 0 else None
        if config:
            return _fires(given, config)
    return _unknown(given, "rule")


def _every(unit: Any, count: int, hour: int, minute: int, rule: JsonObject) -> JsonObject | None:
    """Every so many units; None where cron has no word for it."""
    days, day = rule.get("triggerAtDay", [0]), rule.get("triggerAtDayOfMonth", 1)
    if unit in ("seconds", "minutes"):
        return {"every_s": count * _SECONDS[unit]}
    if unit == "hours" and _HOURS % count == 0:
        return {"cron": f"{minute} {'*' if count == 1 else f'*/{count}'} * * *"}
    if unit == "days" and count == 1:
        return {"cron": f"{minute} {hour} * * *"}
    if unit == "weeks" and count == 1 and isinstance(days, list) and days and _whole(*days):
        return {"cron": f"{minute} {hour} * * {','.join(map(str, days))}"}
    if unit == "months" and _MONTHS % count == 0 and _whole(day):
        return {"cron": f"{minute} {hour} {day} {'*' if count == 1 else f'*/{count}'} *"}
    return None


_MODES: dict[str, Callable[[JsonObject, int, int], str]] = {
    "everyMinute": lambda time, hour, minute: "* * * * *",
    "everyHour": lambda time, hour, minute: f"{minute} * * * *",
    "everyDay": lambda time, hour, minute: f"{minute} {hour} * * *",
    "everyWeek": lambda time, hour, minute: f"{minute} {hour} * * {time.get('weekday', '1')}",
    "everyMonth": lambda time, hour, minute: f"{minute} {hour} {time.get('dayOfMonth', 1)} * *",
    "custom": lambda time, hour, minute: str(time.get("cronExpression", "* * * * * *")).strip(),
}


def cron(given: Parameters) -> Made:
    """Cron, which came before Schedule Trigger."""
    times = given.entries("triggerTimes", "item")
    if len(times) == 1:
        time = times[0]
        mode, hour, minute = word(time.get("mode"), "everyDay"), time.get("hour", 14), time.get("minute", 0)
        if mode in _MODES and _whole(hour, minute) and "{" not in (said := _MODES[mode](time, hour, minute)):
            return _fires(given, {"cron": said})
        value, unit = time.get("value", 2), word(time.get("unit"), "hours")
        if mode == "everyX" and unit in _SECONDS and _whole(value) and value > 0:
            return _fires(given, {"every_s": value * _SECONDS[unit]})
    return _unknown(given, "triggerTimes")


def interval(given: Parameters) -> Made:
    """Interval, which came before Schedule Trigger."""
    count, unit = given.get("interval", 1), given.word("unit", "seconds")
    if unit in _SECONDS and _whole(count) and count > 0:
        return _fires(given, {"every_s": count * _SECONDS[unit]})
    return _unknown(given, "interval")


def _fires(given: Parameters, config: JsonObject) -> Made:
    if "cron" in config and given.timezone not in _ZONELESS:
        config = {**config, "timezone": given.timezone}
    return Made(config, Flow("unsure"))


def _unknown(given: Parameters, name: str) -> Made:
    given.lose(name, "This schedule has no counterpart. Write when it starts anew.")
    return Made({}, Flow("unsure"))


def _whole(*numbers: Any) -> bool:
    return all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)

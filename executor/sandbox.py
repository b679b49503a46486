"""Python code of workflow authors, run where it can reach nothing: pydantic-monty, an interpreter in worker processes.

No file, network, environment or process of the host exists in there; time and memory are limited; each run gets a fresh
session. A worker that doesn't stop by itself is killed, also when the waiting task is cancelled.
"""

import asyncio
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from executor.errors import NodeError
from trestle.contracts.base import JsonValue

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty, MontyError

MAX_WORKERS = 4
RUNS_PER_WORKER = 500
"""A worker's memory doesn't shrink; a new one starts with 9 MB, in about 5 ms."""
MAX_PRINTED = 64 * 1024
MAX_DEPTH = 100
WORKER_FILE = "<python-input"
MODULES = (
    "base64, binascii, bisect, collections, copy, csv, dataclasses, datetime, decimal, functools, hashlib, itertools, json, math, random, "
    "re, time, typing, unicodedata"
)
HINTS = {
    "ModuleNotFoundError": f"These modules are there: {MODULES}.",
    "PermissionError": "The code can reach no files. Its data comes by the names payload, input and nodes.",
    "NameError": "Known names: payload, trigger, input, nodes, item, index, vars, execution, workflow, now.",
    "AttributeError": "Fields of an object are written value['name'].",
    "RecursionError": "A function calls itself without an end.",
    "SyntaxError": "Correct the line.",
}


@dataclass(frozen=True)
class Limits:
    """What one run may take."""

    timeout_s: float
    memory_mb: int


class Printed:
    """What the code printed, up to 64 KB; the rest is counted and dropped."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._kept = 0
        self._dropped = 0

    def __call__(self, _stream: str, text: str) -> None:
        kept = text[: MAX_PRINTED - self._kept]
        self._parts.append(kept) if kept else None
        self._kept += len(kept)
        self._dropped += len(text) - len(kept)

    def lines(self) -> list[str]:
        """Line by line, with a last one that tells of what was dropped."""
        lines = "".join(self._parts).splitlines()
        return [*lines, f"… {self._dropped} more characters were printed and dropped."] if self._dropped else lines


class Sandbox:
    """A pool of worker processes, started with the first run. Use it from any event loop; `close` ends the workers."""

    def __init__(self) -> None:
        self._pool: AsyncMonty | None = None

    async def run(self, code: str, names: Mapping[str, Any], *, limits: Limits, now: datetime, seed: str, printed: Printed) -> JsonValue:
        """The value of the code's last expression, or of its `return`, as JSON.

        `names` are looked up when the code uses them. The clock stands still at `now`, and `random` starts from `seed`: the
        same run again gives the same value. Raises `NodeError` with line, reason and what to do.
        """
        import pydantic_monty as monty

        pool = await self._started()
        session = pool.checkout(
            limits={
                "max_feed_duration_secs": limits.timeout_s,
                "max_memory": limits.memory_mb * 1024 * 1024,
                "max_total_sleep_secs": 0,
            },
            os_policy={"datetime": now, "random_start": {"seed": seed}, "sleep": "call_host"},
        )
        try:
            async with session as fresh:
                value = await fresh.feed_run(code, external_lookup=dict(names), print_callback=printed)
        except monty.MontyCrashedError as error:
            if error.timed_out:  # one long operation: the worker didn't stop by itself, and was killed
                raise _too_long(limits) from None
            hint = "Run it again; if it happens each time, make the code simpler."
            raise NodeError("The sandbox broke down while it ran the code.", hint=hint, retryable=True, type="SandboxCrashed") from error
        except monty.MontyError as error:
            raise _explained(error, limits) from None
        return _as_json(value, MAX_DEPTH)

    async def close(self) -> None:
        """Ends the workers. A later run starts new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.__aexit__(None, None, None)

    async def _started(self) -> "AsyncMonty":
        if self._pool is not None:
            return self._pool
        monty = await asyncio.to_thread(__import__, "pydantic_monty")
        workers = min(MAX_WORKERS, os.cpu_count() or 1)
        pool: AsyncMonty = monty.AsyncMonty(min_processes=0, max_processes=workers, max_checkouts_per_worker=RUNS_PER_WORKER)
        await pool.__aenter__()
        return await self._first(pool)

    async def _first(self, pool: "AsyncMonty") -> "AsyncMonty":
        """The pool of whichever run was first to start one; the others' hold no worker yet, and are closed."""
        if self._pool is None:
            self._pool = pool
        elif self._pool is not pool:
            await pool.__aexit__(None, None, None)
        return self._pool


def _explained(error: "MontyError", limits: Limits) -> NodeError:
    kind = error.exception().__class__.__name__
    text = re.sub(rf"^([\w.]+\.)?{kind}: ", "", str(error))
    if kind == "TimeoutError" and "time limit exceeded" in text:
        return _too_long(limits)
    if kind == "MemoryError" and "memory limit" in text:
        hint = "Keep less at a time, or raise the memory limit."
        return NodeError(f"The code needed more than {limits.memory_mb} MB.", hint=hint, type="MemoryLimit")
    hint = HINTS.get(kind, "Correct the code, or test for this case in it.")
    if "time.sleep" in text or "asyncio.sleep" in text:
        hint = "Put a delay node before this one."
    elif "not supported in this environment" in text:
        hint = "The code can reach nothing outside of it. Its data comes by the names payload, input and nodes."
    return NodeError(f"{_place(error)}{kind}: {text}", hint=hint, type=kind)


def _too_long(limits: Limits) -> NodeError:
    hint = "Look for a loop without an end, do less at once, or raise the time limit."
    return NodeError(f"The code ran longer than {limits.timeout_s:g} s.", hint=hint, type="TimeLimit")


def _place(error: Any) -> str:
    """`Line 3: `, and the function, of the innermost frame; nothing where there is none."""
    frames = [frame for frame in getattr(error, "traceback", list)() if frame.filename.startswith(WORKER_FILE)]
    if not frames:
        return ""
    inner = frames[-1]
    function = inner.function_name
    return f"Line {inner.line}, in {function}: " if function and function != "<module>" else f"Line {inner.line}: "


def _as_json(value: Any, depth: int) -> JsonValue:
    """`value` with tuples as lists. Raises `NodeError` for what JSON doesn't have."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if -(2**63) <= value < 2**64:
            return value
        raise _not_json("a whole number of more than 64 bits", "Turn it into text: str(value).")
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise _not_json(f"the number {value}", "Test for it, and give None instead.")
    if depth == 0:
        raise _not_json(f"values nested deeper than {MAX_DEPTH}", "Give back a flatter value.")
    if isinstance(value, list | tuple):
        return [_as_json(item, depth - 1) for item in value]
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                raise _not_json(f"a field whose name is {name!r:.50}, not a text", "Turn names into text: str(name).")
        return {name: _as_json(item, depth - 1) for name, item in value.items()}
    raise _not_json(
        f"a {_kind_of(value)}", "Give back None, bool, numbers, text, lists and dicts; sorted(…) makes a set a list, str(…) a text."
    )


def _not_json(what: str, hint: str) -> NodeError:
    return NodeError(f"The code's last expression gives {what}, which JSON doesn't have.", hint=hint, type="NotJson")


def _kind_of(value: Any) -> str:
    named = getattr(value, "name", None)
    return str(named) if value.__class__.__module__.startswith("pydantic_monty") and named else value.__class__.__name__

"""`code.python`: what code can do, and what it can't, however it tries."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from executor.errors import NodeError
from executor.nodes.data.code_python import CodePython
from executor.testing import RecordingContext, run_node, template_of
from tests.executor.engine_kit import until
from trestle.language import Scope

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
async def node() -> AsyncIterator[CodePython]:
    """The node, whose processes end with the test."""
    made = CodePython()
    yield made
    await made.close()


def workers() -> list[int]:
    """Process ids of the sandbox's workers. Threads and processes may end while they are being listed."""
    found = []
    for children in Path("/proc/self/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            mine = children.read_text().split()
            for pid in mine:
                with suppress(FileNotFoundError, ProcessLookupError):
                    if b"monty" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        found.append(int(pid))
    return found


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("payload['price'] * payload['count']", 12),
        ("total = sum(input)\n{'total': total, 'index': index, 'item': item}", {"total": 6, "index": 2, "item": "it"}),
        ("nodes['fetch']['body'] + vars['X']", "bX"),
        ("nodes.get('fetch', {}).get('body')", "b"),
        ("sorted(nodes)", ["fetch", "other"]),
        ("x = 1", None),
        ("return [1, (2, 3)]", [1, [2, 3]]),
        ("import json, re, math, datetime\n[json.loads('[1]'), bool(re.match('a+', 'aaa')), math.floor(1.5)]", [[1], True, 1]),
        ("def double(n):\n    return n * 2\n\n[double(n) for n in input]", [2, 4, 6]),
        ("payload['added'] = 1\nlen(payload)", 3),
        ("'{{ payload.price }}'", "{{ payload.price }}"),
        ("import datetime\nstr(datetime.datetime.now())", "2026-01-02 03:04:05"),
        ("execution['id'] + workflow['name'] + trigger['method'] + now", "eWPOST2026-01-02T03:04:05.000Z"),
    ],
)
async def test_value_of_the_last_expression(node: CodePython, code: str, output: Any) -> None:
    payload = {"price": 3, "count": 4}
    names = {
        "payload": payload,
        "nodes": {"fetch": {"body": "b"}, "other": 1},
        "vars": {"X": "X"},
        "item": "it",
        "index": 2,
        "execution": {"id": "e"},
        "workflow": {"name": "W"},
        "trigger": {"method": "POST"},
    }
    ctx = RecordingContext(now=NOW)
    assert await run_node(node, {"code": code}, [1, 2, 3], ctx=ctx, **names) == output
    assert payload == {"price": 3, "count": 4}


@pytest.mark.parametrize(
    ("code", "said", "hint"),
    [
        ("x = 1\ny = x +\n", "Line 2: SyntaxError: Expected an expression", "Correct the line"),
        ("x = 1\n\n1 / 0", "Line 3: ZeroDivisionError: division by zero", "Correct the code"),
        ("def f(a):\n    return a['gone']\n\nf({})", "Line 2, in f: KeyError: gone", "Correct the code"),
        ("raise ValueError('the order is empty')", "Line 1: ValueError: the order is empty", ""),
        ("payloat", "Line 1: NameError: name 'payloat' is not defined", "Known names: payload"),
        ("payload.name", "AttributeError", "value['name']"),
        ("import requests", "ModuleNotFoundError: No module named 'requests'", "These modules are there: base64"),
        ("import time\ntime.sleep(1)", "Line 2: RuntimeError", "delay node"),
        ("{1, 2}", "gives a set, which JSON doesn't have", "sorted(…)"),
        ("{1: 2}", "a field whose name is 1", "str(name)"),
        ("float('nan')", "the number nan", "None"),
        ("10 ** 30", "more than 64 bits", "str(value)"),
        ("class A:\n    pass\nA()", "gives a A", ""),
        ("import datetime\ndatetime.datetime.now()", "gives a datetime", "str(…)"),
        ("x = []\nfor i in range(200):\n    x = [x]\nx", "nested deeper", "flatter"),
    ],
)
async def test_errors_say_where_what_and_what_to_do(node: CodePython, code: str, said: str, hint: str) -> None:
    with pytest.raises(NodeError) as failed:
        await run_node(node, {"code": code}, payload={})
    assert said in failed.value.message
    assert hint in failed.value.hint
    assert failed.value.hint
    assert not failed.value.retryable


ESCAPES = [
    "open('/etc/passwd').read()",
    "from pathlib import Path\nPath('/etc/passwd').read_text()",
    "open('/tmp/trestle-escape', 'w').write('x')",
    "import os\nos.system('id')",
    "import os\nos.environ['HOME']",
    "import os\nos.getenv('HOME', 'leak')",
    "import os\nos.listdir('/')",
    "import os\nos.fork()",
    "import os\nos.kill(1, 9)",
    "import subprocess\nsubprocess.run(['id'])",
    "import socket\nsocket.create_connection(('127.0.0.1', 80))",
    "import urllib.request\nurllib.request.urlopen('http://127.0.0.1')",
    "import ctypes\nctypes.string_at(0)",
    "import importlib\nimportlib.import_module('os')",
    "import builtins\nbuiltins.open('/etc/passwd')",
    "import sys\nsys.modules['os'].system('id')",
    "import pickle\npickle.loads(b'')",
    "__import__('os').system('id')",
    "__builtins__['open']('/etc/passwd')",
    "globals()['__builtins__']",
    "().__class__.__bases__[0].__subclasses__()",
    "''.__class__.__mro__[1].__subclasses__()",
    "getattr((), '__cl' + 'ass__')",
    "(lambda: 0).__globals__",
    "(lambda: 0).__code__.co_consts",
    "def f(): yield\nf().gi_frame.f_back.f_globals",
    "try:\n    1 / 0\nexcept Exception as e:\n    e.__traceback__.tb_frame.f_back.f_globals",
    "'{0.__class__}'.format(payload)",
    "'{0.__class__.__mro__}'.format(1)",
    "eval('open(\"/etc/passwd\").read()')",
    "exec('import os; os.system(\"id\")')",
    "compile('1', 'x', 'eval')",
    "type('X', (), {'__del__': lambda s: 0}).__subclasses__()",
    "import asyncio\nasyncio.create_subprocess_exec('id')",
    "breakpoint()",
]


@pytest.mark.parametrize("code", ESCAPES)
async def test_an_escape_is_a_clear_error(node: CodePython, code: str) -> None:
    with pytest.raises(NodeError) as failed:
        await run_node(node, {"code": code, "timeout_s": 1}, payload={})
    assert failed.value.message
    assert failed.value.hint
    assert not Path("/tmp/trestle-escape").exists()


BOMBS = [
    ("while True:\n    pass", "TimeLimit"),
    ("while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass", "TimeLimit"),
    ("def f():\n    return f()\nf()", "RecursionError"),
    ("x = []\nwhile True:\n    x.append('a' * 1000)", "MemoryLimit"),
    ("'a' * 10 ** 10", "MemoryLimit"),
    ("[0] * 10 ** 10", "MemoryLimit"),
    ("9 ** 9 ** 9", "MemoryLimit"),
    ("list(range(10 ** 10))", "MemoryLimit"),
    ("x = 'ab'\nwhile True:\n    x = x + x", "MemoryLimit"),
    ("x = {}\ni = 0\nwhile True:\n    x[i] = [i] * 10\n    i += 1", "MemoryLimit"),
    ("'%1000000000d' % 1", "MemoryLimit"),
    ("f'{1:>10000000000}'", None),
    ("'a'.ljust(10 ** 11)", "MemoryLimit"),
    ("int('9' * 10 ** 6)", None),
    ("sum(range(10 ** 12))", "TimeLimit"),
    ("x = 3 ** (2 * 10 ** 7)\nx * x % 7", None),
    ("x = 3 ** (5 * 10 ** 6)\nstr(x * x)[:3]", None),
    ("sorted(range(4 * 10 ** 5), key=lambda v: str(v) * 10)", "MemoryLimit"),
    ("import itertools\nlist(itertools.permutations(range(20)))", "MemoryLimit"),
    ("import math\nmath.factorial(10 ** 7)", None),
    ("import json\njson.loads('[' * 100000)", None),
    ("import re\nre.match('(a+)+$', 'a' * 40 + 'b')\nwhile True: pass", "TimeLimit"),
    ("(" * 5000 + ")" * 5000, None),
    ("-" * 20000 + "1", None),
]


@pytest.mark.parametrize(("code", "kind"), BOMBS)
async def test_a_bomb_stays_within_its_limits(node: CodePython, code: str, kind: str | None) -> None:
    limit_s = 0.5 if kind in ("TimeLimit", None) else 20  # on a slow machine, memory may take longer to fill than half a second
    begun = time.monotonic()
    with pytest.raises(NodeError) as failed:
        await run_node(node, {"code": code, "timeout_s": limit_s, "memory_mb": 16}, payload={})
    assert time.monotonic() - begun < limit_s + 9
    assert failed.value.hint
    assert kind is None or failed.value.type == kind
    assert await run_node(node, {"code": "1 + 1"}) == 2


async def test_one_operation_that_does_not_end_is_killed(node: CodePython) -> None:
    with pytest.raises(NodeError) as failed:
        await run_node(node, {"code": "x = 3 ** (2 * 10 ** 7)\nx * x % 7", "timeout_s": 0.2})
    assert failed.value.type == "TimeLimit"
    assert not failed.value.retryable


async def test_a_run_leaves_nothing_to_the_next(node: CodePython) -> None:
    assert await run_node(node, {"code": "left = 1\nleft"}) == 1
    with pytest.raises(NodeError, match="name 'left' is not defined"):
        await run_node(node, {"code": "left"})


async def test_prints_are_log_lines_also_when_the_code_fails(node: CodePython) -> None:
    ctx = RecordingContext()
    with pytest.raises(NodeError):
        await run_node(node, {"code": "print('one', 2)\nprint('two')\n1 / 0"}, ctx=ctx)
    assert ctx.log.lines == [("info", "one 2"), ("info", "two")]


async def test_a_flood_of_prints_is_cut(node: CodePython) -> None:
    ctx = RecordingContext()
    assert await run_node(node, {"code": "for i in range(100000): print('x' * 100)\n'done'"}, ctx=ctx) == "done"
    assert sum(len(line) for _, line in ctx.log.lines) < 70_000
    assert "more characters were printed and dropped" in ctx.log.lines[-1][1]


async def test_the_loop_stays_free_and_runs_go_side_by_side(node: CodePython) -> None:
    await run_node(node, {"code": "1"})
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - begun)

    watching = asyncio.create_task(watch())
    runs = [run_node(node, {"code": "while True: pass", "timeout_s": 1}) for _ in range(2)]
    results = await asyncio.gather(*runs, *(run_node(node, {"code": f"{n} + 1"}) for n in range(20)), return_exceptions=True)
    watching.cancel()
    assert results[2:] == list(range(1, 21))
    assert all(isinstance(result, NodeError) for result in results[:2])
    assert longest < 0.9, "less than what never ends was given"


async def test_cancelling_kills_the_worker(node: CodePython) -> None:
    running = asyncio.create_task(run_node(node, {"code": "while True: pass", "timeout_s": 60}))
    await until(lambda: bool(workers()))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: workers() == [])


async def test_no_process_before_the_first_run_and_none_after_close() -> None:
    node = CodePython()
    assert workers() == []
    await asyncio.gather(*(run_node(node, {"code": "1"}) for _ in range(5)))
    assert workers()
    await node.close()
    assert workers() == []
    assert await run_node(node, {"code": "2"}) == 2
    await node.close()


async def test_the_same_step_draws_the_same_numbers(node: CodePython) -> None:
    code = {"code": "import random\nrandom.random()"}
    first, again = [await run_node(node, code, ctx=RecordingContext(idempotency_key="k")) for _ in range(2)]
    assert first == again
    assert await run_node(node, code, ctx=RecordingContext(idempotency_key="other")) != first


@pytest.mark.parametrize(
    ("code", "effect"), [("payload['a']", "pure"), ("import random\nrandom.random()", "idempotent"), ("now", "idempotent")]
)
def test_code_without_clock_and_chance_is_pure(code: str, effect: str) -> None:
    node = CodePython()
    assert node.effect_of(template_of(node, {"code": code}).render(Scope())) == effect

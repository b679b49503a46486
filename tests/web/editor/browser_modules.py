"""The editor's pure browser modules, called from Python: one node.js process that answers line by line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

UNDEFINED = object()
"""What JavaScript calls `undefined`."""


class BrowserModules:
    """`call("graph.js", "apply", graph, operation)` answers what the function returns."""

    def __init__(self) -> None:
        node = Path(sys.executable).parent / "node"
        driver = Path(__file__).parent / "driver.mjs"
        self._process = subprocess.Popen(
            [node, "--no-warnings", driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def call(self, module: str, function: str, *values: Any) -> Any:
        """One call. Raises AssertionError where the function throws."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([module, function, *values]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return UNDEFINED if "undefined" in answer else answer["value"]

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(timeout=10)

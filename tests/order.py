"""Who runs which file: Chromium's go to one worker, those that wait to the others, until they meet.

Chromium wants a whole core, while tests with processes of their own mostly wait; two browsers at a time would hold up each other (and
be slow enough to look broken), and two that wait would leave the cores idle.
"""

from types import ModuleType

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling
from xdist.workermanage import WorkerController

CHROMIUM, WAITS = (
    ("tests.acceptance.browser", "tests.web.editor.desk"),
    ("tests.acceptance.stack", "tests.launcher.launched", "tests.chaos"),
)


def place(module: ModuleType) -> int:
    """Files with a browser come first, those with processes of their own last: told by what they import."""
    sources = {str(getattr(value, "__module__", None) or getattr(value, "__name__", "")) for value in vars(module).values()}
    if sources.intersection(CHROMIUM):
        return 0
    return 2 if any(source.startswith(WAITS) for source in sources) else 1


def arrange(items: list[pytest.Item]) -> None:
    """Put the tests of a run in order, each file's as they stand in it."""
    items.sort(key=lambda item: place(item.module) if isinstance(item, pytest.Function) else 1)


class FromBothEnds(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """The first worker takes files from the beginning, every other one from the end."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node.gateway.id != "gw0":
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)

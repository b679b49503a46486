"""What checking drafts remembers."""

from collections import OrderedDict

from backend.workflows.configs import Findings
from trestle.contracts.problems import FieldError


class Checks:
    """Remembers what was found: a draft that did not change, or a node that did not, isn't examined twice."""

    def __init__(self, drafts: int = 500, nodes: int = 5000) -> None:
        self.drafts: OrderedDict[object, list[FieldError]] = OrderedDict()
        self.nodes: OrderedDict[object, Findings] = OrderedDict()
        self._max_drafts = drafts
        self._max_nodes = nodes

    def trim(self) -> None:
        """Forgets what was not asked for longest."""
        while len(self.drafts) > self._max_drafts:
            self.drafts.popitem(last=False)
        while len(self.nodes) > self._max_nodes:
            self.nodes.popitem(last=False)

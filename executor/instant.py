"""Items of a pure for-each that need nothing but themselves: run in a plain loop, without a step's machinery around each.

A pure item may be run as often as one likes. So whatever is not plain here (it fails, waits, asks its context for something, comes
upon a large value) is simply done again in the ordinary way, which knows what to make of it.
"""

from typing import Any, NoReturn

from executor.node import Branch, Stop, Wait
from executor.program import Prepared
from executor.values import Encoded, encode
from trestle.contracts.base import EncodedJson, JsonValue
from trestle.contracts.graph import MAIN
from trestle.contracts.jobs import BLOB_BYTES
from trestle.language import Scope


class NotPlain(Exception):
    """This item has to be run in the ordinary way. `all_are`: and so have the others."""

    def __init__(self, *, all_are: bool = False) -> None:
        super().__init__()
        self.all_are = all_are


class _NoContext:
    """Stands where a node expects its context. A node that uses it is not plain."""

    def __getattr__(self, name: str) -> NoReturn:
        raise NotPlain(all_are=True)


_NO_CONTEXT: Any = _NoContext()


class Instant:
    """Runs a node for one item after the other. Only while the execution has no large values, and the node is pure."""

    def __init__(self, prepared: Prepared, scope: Scope, received: JsonValue) -> None:
        self._kind = prepared.kind
        self._template = prepared.template
        self._ports = {MAIN, *prepared.ports()}
        self._received = received
        # One scope for all: rendering is over when it returns, and nothing that it gives looks back at it.
        self._scope = scope.with_item(None, 0)

    def result(self, item: JsonValue, index: int) -> EncodedJson:
        """What the node puts out for an item. Raises `NotPlain`."""
        roots = self._scope.roots
        roots["item"], roots["index"] = item, index
        try:
            running = self._kind.run(self._template.render(self._scope), self._received, _NO_CONTEXT)
            try:
                running.send(None)
            except StopIteration as done:
                value = done.value
            else:
                running.close()
                raise NotPlain(all_are=True)  # it waits for something
            if isinstance(value, Branch) and value.port in self._ports:
                value = value.value
            if isinstance(value, Branch | Wait | Stop):
                raise NotPlain
            text = encode(value)
        except NotPlain:
            raise
        except Exception:  # noqa: BLE001  # the ordinary way tells what is wrong with it
            raise NotPlain from None
        if len(text) > BLOB_BYTES or isinstance(text, Encoded):
            raise NotPlain
        return text

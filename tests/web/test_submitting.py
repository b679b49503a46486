"""A form that is sent twice, by a double click for one, is handled once."""

from types import SimpleNamespace
from typing import Any

import pytest
import reflex as rx

from web.backend import Unreachable
from web.components.submitting import SUBMISSION
from web.pages import new_workflow
from web.pages.new_workflow import NewWorkflow


class Api:
    """As much of it as the dialog calls."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.is_away = False

    async def create_workflow(self, name: str, _project_id: str) -> Any:
        if self.is_away:
            raise Unreachable("")
        self.made.append(name)
        return SimpleNamespace(id="w")


async def sent(state: Any, name: str, number: object) -> list[bool]:
    """Whether the form is busy, at each moment that the page is told of."""
    create: Any = NewWorkflow.event_handlers["create"].fn
    busy = [state.busy async for _ in create(state, {"name": name, SUBMISSION: number})]
    return [*busy, state.busy]


async def test_what_is_sent_twice_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api()
    monkeypatch.setattr(new_workflow, "signed_in", lambda _state: api)
    state: Any = rx.State(_reflex_internal_init=True).get_substate(NewWorkflow.get_full_name().split("."))  # type: ignore[call-arg]
    assert await sent(state, "First", "0") == [True, True, False]
    assert await sent(state, "By a second click", "0") == [False]
    assert await sent(state, "While the first was under way", "") == [False]
    assert await sent(state, "By no form", None) == [False]
    assert api.made == ["First"]

    api.is_away = True
    assert await sent(state, "Second", str(state.submission)) == [True, False]
    assert state.error.startswith("Trestle's backend does not answer")
    api.is_away = False
    await sent(state, "Second", str(state.submission))
    assert (api.made, state.error) == (["First", "Second"], "")

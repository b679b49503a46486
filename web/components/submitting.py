"""Submissions: while one is under way its button is busy, and what is sent a second time does nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import reflex as rx

from web.backend import ApiError

SUBMISSION = "submission"
"""The hidden field by which a form says which of its submissions it is."""


class Wrong(ValueError):
    """What a form asks for can't be done: a sentence for the person, without asking the backend."""


class Submitting(rx.State, mixin=True):
    """What forms and confirmations have in common: whether one is being submitted, and what went wrong.

    A tab's events are handled one after the other, so the second click of a double one is handled when the first is done. What tells
    the two from two submissions is their number; one that is made while another is under way has none.
    """

    error: str = ""
    busy: bool = False
    submission: int = 0  # the number of the next
    _taken: int = -1

    def _begins(self, form: dict[str, Any]) -> bool:
        """Whether this submission counts. Then it is under way: `yield`, so that the page shows it, and do it `with self._submitted()`."""
        number = str(form.get(SUBMISSION, ""))
        if not number.isdecimal() or int(number) == self._taken:
            return False
        self._taken = int(number)
        self.submission += 1
        self.error, self.busy = "", True
        return True

    @contextmanager
    def _submitted(self) -> Iterator[None]:
        """Around what is submitted: says what went wrong; it is no longer under way then."""
        try:
            yield
        except (ApiError, Wrong) as error:
            self.error = str(error)
        finally:
            self.busy = False


def form(state: type[Submitting], *content: rx.Component, **props: Any) -> rx.Component:
    """A form whose `on_submit` begins with `_begins`. Its button is `loading=state.busy`."""
    number = rx.cond(state.busy, "", state.submission.to_string())
    return rx.form(rx.el.input(type="hidden", name=SUBMISSION, value=number), *content, **props)

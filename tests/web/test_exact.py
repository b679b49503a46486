"""Whole numbers of any size, between the backend and the page."""

from typing import Any

import pytest

from web import exact
from web.editor.samples import shortened


@pytest.mark.parametrize("value", [2**53 + 1, -(2**63), 2**64 - 1, {"id": [10**30, -(10**25)], "text": "12345678901234567890123é"}, None])
def test_what_is_written_is_read_again(value: Any) -> None:
    assert exact.loads(exact.dumps(value)) == value
    assert exact.loads(exact.text(value).encode()) == value
    assert shortened({"value": value}) == {"value": value}

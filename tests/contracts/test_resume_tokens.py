"""Resume tokens: made on both sides, read by the backend, worth nothing when changed."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from trestle.contracts.resume_tokens import Bearer, read, resume_key, token

SECRET = "a secret that only the backend knows"
KEYS = st.from_regex(r"\A[a-z][a-z0-9_]{0,62}\Z")
ITEMS = st.none() | st.integers(0, 2**31 - 1)


@given(KEYS, ITEMS, st.sampled_from(["webhook", "approval"]))
def test_a_token_says_what_it_was_made_for(node: str, item: int | None, kind: str) -> None:
    bearer = Bearer(uuid4(), node, item, kind)  # type: ignore[arg-type]
    made = token(resume_key(SECRET, bearer.execution_id), bearer)
    assert read(SECRET, made) == bearer
    assert read("another secret", made) is None


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_token_is_none(place: int, change: int) -> None:
    bearer = Bearer(uuid4(), "ask", 3, "approval")
    made = token(resume_key(SECRET, bearer.execution_id), bearer)
    at = place % len(made)
    changed = made[:at] + chr((ord(made[at]) + change) % 256) + made[at + 1 :]
    assert read(SECRET, changed) in (None, bearer)  # base64 has spare bits in its last character
    if at < len(made) - 1 and changed.replace("+", "-").replace("/", "_") != made:  # and two characters may be spelled otherwise
        assert read(SECRET, changed) is None


@given(st.text(max_size=300))
def test_anything_else_is_none(text: str) -> None:
    assert read(SECRET, text) is None

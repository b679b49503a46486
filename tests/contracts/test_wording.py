"""What is wrong with a value, said to a person."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from trestle.contracts.wording import in_words


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field("x", min_length=1, max_length=3, pattern="^[a-z]*$")
    code: str = Field("xx", min_length=2)
    number: int = Field(1, ge=1, lt=10)
    tags: Annotated[list[str], Field(min_length=1)] = ["x"]
    kind: Literal["a", "b"] = "a"
    odd: int = 1

    @field_validator("odd")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("Choose an odd number.")
        return value


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": ""}, "Must not be empty."),
        ({"name": 5}, "Must be text."),
        ({"name": "long"}, "Must have at most 3 characters."),
        ({"name": "A"}, "Does not have the right form: it must match ^[a-z]*$."),
        ({"code": "x"}, "Needs at least 2 characters."),
        ({"number": "x"}, "Must be a whole number."),
        ({"number": 0}, "Must be at least 1."),
        ({"number": 10}, "Must be less than 10."),
        ({"tags": []}, "Must not be empty."),
        ({"tags": "x"}, "Must be a list."),
        ({"kind": "c"}, "Must be one of 'a' or 'b'."),
        ({"more": 1}, "There is no such field. Remove it, or check its spelling."),
        ({"odd": 2}, "Choose an odd number."),
    ],
)
def test_a_value_that_is_wrong_says_what_it_must_be(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as found:
        Everything.model_validate(given)
    (error,) = found.value.errors()
    assert in_words(error) == says


def test_what_is_missing_says_so() -> None:
    class Needs(BaseModel):
        name: str

    with pytest.raises(ValidationError) as found:
        Needs.model_validate({})
    assert in_words(found.value.errors()[0]) == "Is required: fill it in."

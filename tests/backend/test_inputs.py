"""Saved inputs: kept by name, listed, forgotten; nobody else's."""

import asyncio

import pytest

from tests.backend.people import Person
from trestle.contracts.inputs import MAX_INPUTS


@pytest.fixture
async def inputs(ada: Person) -> str:
    """The address of a workflow's inputs."""
    workflow = await ada.post("/workflows", json={"name": "Flow"})
    return f"/workflows/{workflow['id']}/inputs"


async def test_an_input_is_kept_under_its_name(ada: Person, inputs: str) -> None:
    first = await ada.post(inputs, json={"name": "hot", "input": {"z": 1, "a": [None, "{{ payload }}", "\0"]}})
    cold = await ada.post(inputs, json={"name": "cold"})
    assert (first["name"], first["input"], cold["input"]) == ("hot", {"z": 1, "a": [None, "{{ payload }}", "\0"]}, None)
    again = await ada.post(inputs, json={"name": "hot", "input": 7})
    assert (again["id"], again["input"], again["created_at"]) == (first["id"], 7, first["created_at"])
    assert [(row["name"], row["input"]) for row in (await ada.get(inputs))["items"]] == [("cold", None), ("hot", 7)]
    await ada.delete(f"{inputs}/{first['id']}")
    await ada.delete(f"{inputs}/{first['id']}", expect=404)
    assert (await ada.get(inputs))["items"] == [cold]


async def test_they_are_nobody_elses_business(ada: Person, bob: Person, inputs: str) -> None:
    kept = await ada.post(inputs, json={"name": "hot"})
    await bob.get(inputs, expect=404)
    await bob.post(inputs, expect=404, json={"name": "hot"})
    await bob.delete(f"{inputs}/{kept['id']}", expect=404)
    elsewhere = f"/workflows/{(await ada.post('/workflows', json={'name': 'Other'}))['id']}/inputs"
    await ada.delete(f"{elsewhere}/{kept['id']}", expect=404)


async def test_there_is_room_for_so_many_however_fast_they_come(ada: Person, inputs: str) -> None:
    for n in range(MAX_INPUTS - 1):
        await ada.post(inputs, json={"name": str(n)})
    answers = await asyncio.gather(*(ada.send("POST", inputs, json={"name": f"last {n}"}) for n in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422]
    assert "at most 100" in next(answer.json()["detail"] for answer in answers if answer.status_code == 422)
    await ada.post(inputs, json={"name": "0", "input": "replaced"})


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 201}, {"name": "x\0"}, {"name": "x", "other": 1}])
async def test_what_makes_no_input(ada: Person, inputs: str, body: object) -> None:
    await ada.post(inputs, expect=422, json=body)

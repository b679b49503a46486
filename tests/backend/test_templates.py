"""Templates: every file that ships imports without problems but for what its reader fills in; a folder takes any file."""

from pathlib import Path
from typing import Any

import pytest

from backend.importing.sheet import Sheet
from backend.services import Services
from backend.templates import library
from tests.backend.catalogue import register
from tests.backend.people import Person

CARD = (224, 64)


async def test_every_template_imports_and_asks_only_for_what_it_says(ada: Person, services: Services) -> None:
    await register(services.database)
    files = [path.stem for path in library.FOLDER.iterdir() if path.suffix in library.SUFFIXES]
    answer = await ada.get("/templates")
    found: list[dict[str, Any]] = answer["items"]
    assert answer["next_cursor"] is None
    assert sorted(one["name"] for one in found) == sorted(files), "each file that ships can be read"
    assert len(found) >= 12
    assert (found[0]["fill_in"], found[0]["group"]) == ([], "First steps"), "a newcomer's first runs as it is"
    offered = {kind["type"] for kind in (await ada.get("/node-types"))["items"]}
    credentials = {kind["name"] for kind in (await ada.get("/credential-types"))["items"]}
    for template in found:
        name = template["name"]
        made = await ada.post("/workflows/import", json=template["document"])
        asked = {need["node"] for need in template["fill_in"]}
        troubled = {problem["node"] for problem in made["problems"]}
        assert troubled <= asked, (name, made["problems"])
        assert (made["unmapped"], made["workflow"]["enabled"]) == ([], False), name
        assert set(template["node_types"]) <= offered, name
        assert set(template["credential_types"]) <= credentials, name
        if not asked:
            await ada.post(f"/workflows/{made['workflow']['id']}/publish")
        places = [(node["position"]["x"], node["position"]["y"]) for node in made["workflow"]["nodes"]]
        overlaps = [(a, b) for i, a in enumerate(places) for b in places[:i] if abs(a[0] - b[0]) < CARD[0] and abs(a[1] - b[1]) < CARD[1]]
        assert overlaps == [], name


def test_a_file_dropped_in_is_a_template_and_a_wrong_one_is_left_out(tmp_path: Path) -> None:
    document = '{"name": "D", "nodes": [{"key": "a", "type": "set"}, {"key": "b", "type": "set"}], '
    document += '"connections": [{"source": "a", "target": "b"}]}'
    (tmp_path / "first.json").write_text('{"title": "F", "description": "d", "group": "G", "order": 1, "document": ' + document + "}")
    (tmp_path / "second.yaml").write_text("title: S\ndescription: d\ngroup: G\ndocument: {name: E, nodes: []}\n")
    (tmp_path / "notes.txt").write_text("no template")
    for name, text in {
        "loop.json": '{"title": "L", "description": "d", "group": "G", "document": '
        + document.replace('"connections": [', '"connections": [{"source": "b", "target": "a"}, ')
        + "}",
        "broken.yaml": "title: [",
        "stranger.yaml": "title: T\ndescription: d\ngroup: G\nfill_in: [{node: gone, what: w}]\ndocument: {name: E}\n",
        "unknown.yaml": "title: T\ncolour: red\n",
    }.items():
        (tmp_path / name).write_text(text)
    found = library.templates(tmp_path)
    assert [one.name for one in found] == ["first", "second"]
    assert [node["position"] for node in found[0].document["nodes"]] == [{"x": 0, "y": 0}, {"x": 300, "y": 0}]


@pytest.mark.parametrize("count", [1, 4])
def test_foreign_nodes_without_places_are_laid_out_in_columns(count: int) -> None:
    sheet = Sheet(name="S")
    start = sheet.add("start", "trigger.manual", {})
    for number in range(count):
        sheet.connect("", start, sheet.add(f"n{number}", "set", {}))
    sheet.connections()
    sheet.arrange()
    assert sheet.nodes[0].position.y == 0
    assert sum(node.position.y for node in sheet.nodes) == 0
    assert len({(node.position.x, node.position.y) for node in sheet.nodes}) == count + 1

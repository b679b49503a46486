"""What bodies become: files and other bytes lie in blobs, the rest is JSON."""

import gzip
import json
from typing import Any

import aiohttp
import pytest

from tests.backend.executions.hooks import configured, credential, digest
from tests.backend.executions.world import Backend, World

PICTURE = bytes(range(256)) * 40


async def taken(backend: Backend, world: World, **call: Any) -> tuple[Any, dict[str, tuple[str, bytes]]]:
    """The payload of an accepted call, and what lies in blobs: type and bytes by pointer, noted as used."""
    status, answer = await backend.call("POST", "/webhooks/go", **call)
    assert status == 202, answer
    row = await world.execution(answer["execution_id"])
    refs = json.loads(row["input_refs"] or "{}")
    used = {str(use["blob_id"]) for use in await world.pool.fetch("select blob_id from blob_uses where execution_id = $1", row["id"])}
    assert used == {ref["id"] for ref in refs.values()}
    found = {}
    for pointer, ref in refs.items():
        chunks = await world.pool.fetch("select data from blob_chunks where blob_id = $1 order by place", ref["id"])
        data = b"".join(chunk["data"] for chunk in chunks)
        assert len(data) == ref["size"]
        found[pointer] = (ref["media_type"], data)
    return json.loads(row["input"]), found


async def test_bytes_are_a_blob(backend: Backend, world: World) -> None:
    assert await taken(backend, world, data=PICTURE, headers={"Content-Type": "image/png"}) == (None, {"": ("image/png", PICTURE)})
    odd = {"Content-Type": "nonsense\\x7f/<script>"}
    assert await taken(backend, world, data=b"\x00", headers=odd) == (None, {"": ("application/octet-stream", b"\x00")})


async def test_a_form_with_files(backend: Backend, world: World) -> None:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("name", "Grüße")
    form.add_field("tag", "a")
    form.add_field("tag", "b")
    form.add_field("a/b~c", PICTURE, filename="../x.png", content_type="image/png")
    form.add_field("docs", b"one", filename="one.txt", content_type="text/plain")
    form.add_field("docs", b"", filename="empty", content_type="application/pdf")
    payload, blobs = await taken(backend, world, data=form)
    assert payload == {
        "name": "Grüße",
        "tag": ["a", "b"],
        "a/b~c": {"filename": "../x.png", "content_type": "image/png", "size": len(PICTURE), "content": None},
        "docs": [
            {"filename": "one.txt", "content_type": "text/plain", "size": 3, "content": None},
            {"filename": "empty", "content_type": "application/pdf", "size": 0, "content": None},
        ],
    }
    assert blobs == {
        "/a~1b~0c/content": ("image/png", PICTURE),
        "/docs/0/content": ("text/plain", b"one"),
        "/docs/1/content": ("application/pdf", b""),
    }


async def test_a_form_in_parts_without_files(backend: Backend, world: World) -> None:
    with aiohttp.MultipartWriter("form-data") as writer:
        writer.append("x").set_content_disposition("form-data", name="a")
        assert await taken(backend, world, data=writer) == ({"a": "x"}, {})


async def test_too_many_parts(backend: Backend, world: World) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    status, problem = await backend.call("POST", "/webhooks/go", data=part * 1001 + b"--b--\r\n", headers=headers)
    assert (status, "1,000 parts" in problem["detail"]) == (400, True)
    assert await world.pool.fetchval("select count(*) from executions") == 0


async def test_packed_bodies(backend: Backend, world: World) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    packed = gzip.compress(b'{"a": 1}')
    assert await taken(backend, world, data=packed, headers=headers) == ({"a": 1}, {})
    identity = {**headers, "Content-Encoding": "identity"}
    assert await taken(backend, world, data=b"[]", headers=identity) == ([], {})
    bomb = gzip.compress(b" " * 200_000)
    for data, encoding, status, said in (
        (bomb, "gzip", 413, "unpacked"),
        (packed[:-4], "gzip", 400, "cut off"),
        (packed + packed, "gzip", 400, "follows"),
        (b"{}", "gzip", 400, "not gzip"),
        (packed, "br", 415, "br"),
        (packed, "gzip, gzip", 415, "gzip, gzip"),
    ):
        got, problem = await backend.call("POST", "/webhooks/go", data=data, headers={**headers, "Content-Encoding": encoding})
        assert (got, said in problem["detail"]) == (status, True), problem


async def test_what_is_signed_is_the_body_as_it_was_sent(backend: Backend, world: World) -> None:
    await configured(world, auth={"kind": "hmac", "credential": await credential(backend, world, "hmac", {"secret": "s3cret"})})
    plain, packed = b'{"a": 1}', gzip.compress(b'{"a": 1}')
    for signed, status in ((packed, 202), (plain, 401)):
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "X-Signature": digest("s3cret", signed).hex()}
        assert (await backend.call("POST", "/webhooks/go", data=packed, headers=headers))[0] == status
    stored = await world.pool.fetchval("select count(*) from blobs")
    for _ in range(2):
        await backend.call("POST", "/webhooks/go", data=PICTURE, headers={"Content-Type": "image/png", "X-Signature": "00"})
    assert await world.pool.fetchval("select count(*) from blobs") == stored, "nothing of a stranger's is kept"


async def test_a_secret_header_is_not_kept(backend: Backend, world: World) -> None:
    ident = await credential(backend, world, "header", {"name": "X-Token", "value": "s3cret"})
    await configured(world, auth={"kind": "header", "credential": ident})
    row = await world.execution(await backend.post(headers={"X-Token": "s3cret", "X-Other": "shown"}))
    assert ("s3cret" in row["trigger"], "shown" in row["trigger"]) == (False, True)


@pytest.mark.parametrize("size", [200_000, 300_000])
async def test_long_json_is_stored_once(backend: Backend, world: World, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 256 KB it is a blob: the body's cap of this file's backend is smaller, so what it may be unpacked to is raised."""
    monkeypatch.setattr(backend.app.state.services.webhooks, "_max_body", 1_000_000)
    text = json.dumps("x" * size)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    payload, blobs = await taken(backend, world, data=gzip.compress(text.encode()), headers=headers)
    if size > 256 * 1024:
        assert (payload, blobs) == (None, {"": ("application/json", text.encode())})
    else:
        assert (len(payload), blobs) == (size, {})

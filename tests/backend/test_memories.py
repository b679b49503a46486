"""What nodes remember from one execution to the next."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from backend.errors import NotFound, Unprocessable
from backend.executions.memories import remember
from backend.services import Services
from tests.backend.people import Person
from tests.backend.test_notifications import running
from trestle.contracts.jobs import RememberRequest

DAY_S = 86_400.0


async def test_what_was_seen_is_known_to_others_and_not_to_its_own_step(ada: Person, services: Services) -> None:
    pool = services.database.hot
    told = await running(services, ada, None)

    async def fresh(*marks: str, key: str = "", node: str = "a", epoch: int = 1, **more: Any) -> list[bool]:
        about = {"execution_id": told.ids["execution"], "epoch": epoch, "node": node, "key": key or uuid4().hex}
        request = RememberRequest(marks=list(marks), **{"forget_after_s": DAY_S, **about, **more})
        return (await remember(pool, told.ids["executor"], request)).fresh

    assert await fresh("aa", "bb", key="k1") == [True, True]
    assert await fresh("bb", "aa", key="k1") == [True, True], "the same step again is told the same"
    assert await fresh("aa", "cc", key="k2", only_look=True) == [False, True]
    assert await fresh("aa", "cc", key="k3") == [False, True], "a test run left nothing behind"
    assert await fresh("aa", node="other") == [True]
    await pool.execute("update memories set seen_at = now() - interval '2 days' where mark = any($1)", [b"\xaa", b"\xbb"])
    assert await fresh("aa") == [True], "forgotten"
    assert await pool.fetchval("select count(*) from memories where node = 'a'") == 2, "what is forgotten is gone"
    with pytest.raises(NotFound):
        await fresh("aa", epoch=2)
    with pytest.raises(Unprocessable):
        await fresh("xx")
    await ada.delete(f"/workflows/{UUID(told.ids['workflow'])}")
    assert await pool.fetchval("select count(*) from memories") == 0

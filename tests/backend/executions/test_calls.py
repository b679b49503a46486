"""What an execution's steps tell of the executions that they have started."""

from tests.backend.executions.test_api import Ada
from tests.backend.executions.test_api import ada as ada  # a fixture
from tests.backend.executions.test_settling import callable_by, start
from tests.backend.executions.world import FakeExecutor, World, report, step


async def test_a_step_says_which_executions_it_has_started(ada: Ada, world: World, executor: FakeExecutor) -> None:
    mine = await callable_by(ada, world)
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    one = [await start(executor, job, mine, node="one", key=f"one{item}", item=item) for item in (0, 1)]
    two = [await start(executor, job, mine, node="two", key=key, wait=False) for key in ("first", "second")]
    steps = [step("start"), step("one", "running", items="[7, 8]"), step("one", item=0), step("one", item=1), step("two")]
    await executor.report(report(job, 1, *steps))
    for query in ("", "?values=false"):
        found = (await ada.call("GET", f"/executions/{execution_id}/steps{query}"))["items"]
        assert [s["calls"] for s in found] == [[], [], one[:1], one[1:], two]
    assert (await ada.call("GET", f"/executions/{execution_id}/steps/{found[-1]['id']}"))["calls"] == two

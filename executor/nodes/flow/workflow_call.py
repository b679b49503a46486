"""`workflow.call`: runs another workflow."""

from pydantic import Field

from executor.node import Config as Base
from executor.node import Context, JsonValue, Node, NodeError, Resumed, Static, Wait, WorkflowId


class Config(Base):
    """Which workflow, and what it gets."""

    workflow_id: WorkflowId = Field(title="Workflow", description="Published, with the trigger “Called by a workflow”")
    input: JsonValue = Field(
        None, title="Input", description="What it gets as payload; left out: this node's input", examples=["{{ item }}"]
    )
    wait: Static[bool] = Field(
        True, title="Wait for its end", description="Its output is then this node's, and so is its failure. Off: it runs by itself"
    )


class WorkflowCall(Node[Config]):
    """Runs another workflow, with its last output as result; with “for each”, once for each item. A retry runs it anew."""

    type, title, group, icon = "workflow.call", "Call a workflow", "Flow", "workflow"
    effect = "idempotent"
    takes_references = ("input", "config")
    example = {"workflow_id": "0190e2a0-0000-7000-8000-000000000001", "input": "{{ payload }}"}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue | Wait:
        """A wait for its end, or `{execution_id}` at once."""
        given = config.input if "input" in config.model_fields_set else input
        child = str(await ctx.start_workflow(config.workflow_id, given, wait=config.wait))
        if not config.wait:
            return {"execution_id": child}
        return Wait(token="child", state={"execution_id": child})  # noqa: S106  # a kind of token

    async def resume(self, config: Config, input: JsonValue, ctx: Context, resumed: Resumed) -> JsonValue:
        """Its output."""
        ended = resumed.answer if isinstance(resumed.answer, dict) else {}
        status, child = ended.get("status"), ended.get("execution_id")
        if status == "succeeded":
            return ended.get("output")
        if status == "cancelled":
            raise NodeError(f"The called workflow was cancelled (execution {child}).", hint="Start this one again.", type="CalledCancelled")
        error = ended.get("error")
        why = error.get("message") if isinstance(error, dict) else None
        raise NodeError(
            f"The called workflow failed (execution {child}): {why or 'nobody knows why.'}",
            hint="Open that execution to see what happened in it.",
            retryable=status == "failed",
            restart=True,
            type="CalledFailed",
        )

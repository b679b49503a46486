"""`code.python`: the workflow author's Python, in a sandbox."""

import re
from collections.abc import Mapping

from pydantic import Field

from executor.node import Code, Context, Effect, JsonValue, Node, Static
from executor.node import Config as Base
from executor.sandbox import Limits, Printed, Sandbox

NAMES = ("payload", "trigger", "input", "nodes", "item", "index", "vars", "execution", "workflow", "now")
CLOCK_OR_CHANCE = re.compile(r"\b(now|today|time|datetime|random|workflow|execution)\b")
ANY_NODE = re.compile(r"\bnodes\b")
ONE_NODE = re.compile(r"""\bnodes\s*(?:\[\s*|\.\s*get\s*\(\s*)(?:"(\w+)"|'(\w+)')""")


class Config(Base):
    """The code and what it may take."""

    code: Code = Field(
        title="Code",
        description="The value of its last expression is the output. Names: " + ", ".join(NAMES),
        min_length=1,
        max_length=65_536,
        examples=["total = sum(line['price'] for line in payload['lines'])\n{'total': total}"],
    )
    timeout_s: Static[float] = Field(5, title="Time limit (seconds)", gt=0, le=60)
    memory_mb: Static[int] = Field(64, title="Memory limit (MB)", ge=8, le=512)


class CodePython(Node[Config]):
    """Runs Python in a sandbox: no files, no network, limited time and memory. What it prints goes to the log."""

    type, title, group, icon = "code.python", "Python code", "Data", "code"
    effect = "pure"
    takes_references = ("input",)
    example = {"code": "{'total': payload['price'] * payload['count']}"}

    def __init__(self) -> None:
        self._sandbox = Sandbox()

    def effect_of(self, config: Config) -> Effect:
        """Pure where the code can see neither clock nor chance: a repeat may then give another value."""
        return "idempotent" if CLOCK_OR_CHANCE.search(config.code) else "pure"

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        """The value of the code's last expression."""
        printed = Printed()
        limits = Limits(config.timeout_s, config.memory_mb)
        names = await ctx.load(_used(config.code, {**ctx.names, "input": input}))
        try:
            return await self._sandbox.run(config.code, names, limits=limits, now=ctx.now, seed=ctx.idempotency_key, printed=printed)
        finally:
            for line in printed.lines():
                ctx.log.info(line)

    async def close(self) -> None:
        """Ends the sandbox's processes."""
        await self._sandbox.close()


def _used(code: str, names: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The names that the code mentions; of `nodes` only the outputs that it mentions, where it names all of them."""
    used = {name: names[name] for name in NAMES if name in names and name in code}
    keys = [double or single for double, single in ONE_NODE.findall(code)]
    if "nodes" in used and len(keys) == len(ANY_NODE.findall(code)):
        used["nodes"] = {key: used["nodes"][key] for key in keys if key in used["nodes"]}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in used.items()}

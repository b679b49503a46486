"""`set`: makes a new value out of what is known."""

from pydantic import Field

from executor.node import Config as Base
from executor.node import Context, JsonValue, Node, NodeError, Reference


class Config(Base):
    """The fields of the result."""

    fields: dict[str, JsonValue] = Field(
        default_factory=dict,
        title="Fields",
        description="A name and a value each; values may be expressions",
        examples=[{"name": "{{ payload.name }}"}],
    )
    keep_input: bool = Field(False, title="Keep the input", description="Add the fields to the input's, instead of replacing it")


class Set(Node[Config]):
    """Builds an object from fields you name, from scratch or on top of its input."""

    type, title, group, icon = "set", "Set fields", "Data", "pencil-line"
    effect = "pure"
    takes_references = ("input", "config")
    example = {"fields": {"name": "{{ payload.name }}"}}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        """`{name: value}`; with `keep_input` the input's own fields first, where not set anew."""
        if not config.keep_input or input is None:
            return config.fields
        before = await ctx.load(input) if isinstance(input, Reference) else input
        if not isinstance(before, dict):
            raise NodeError(
                f"The input is a {type(before).__name__}, not an object: fields can't be added to it.",
                hint="Turn “keep the input” off, or put the input into a field: {{ input }}.",
            )
        return {**before, **config.fields}

"""Types for a node's config fields: how a field is filled (literal, expression, condition, credential) and drawn.

Each leaves a mark in the JSON Schema (`trestle.contracts.node_types`), which is all that the form and the backend see.
"""

from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin
from uuid import UUID

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from executor.credentials import SecretData
from executor.errors import CredentialRefused
from executor.per_item import PerItem
from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.jobs import Secret
from trestle.contracts.node_types import CODE, CONDITION, CREDENTIAL, MULTILINE, PER_ITEM, STATIC, WORKFLOW

T = TypeVar("T")
S = TypeVar("S", bound=SecretData)


@dataclass(frozen=True)
class Mark:
    """Adds `key: value` to a field's JSON Schema; `schema` replaces the rest of it."""

    key: str
    value: bool | str
    schema: tuple[tuple[str, JsonValue], ...] | None = None

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonObject:
        drawn: JsonObject = handler(schema) if self.schema is None else dict(self.schema)
        return drawn | {self.key: self.value}


_ANY_OF_CONDITION = (("anyOf", [{"type": "string"}, {"type": "boolean"}, {"type": "object"}]),)

Static = Annotated[T, Mark(STATIC, True)]
"""`Static[str]`: the field is literal. Braces in it are text, never an expression."""

Condition = Annotated[bool, Mark(CONDITION, True, _ANY_OF_CONDITION)]
"""Written as an expression, a JSONLogic object, `true` or `false`; the node gets the bool that it came to."""

ItemCondition = Annotated[PerItem[bool], Mark(CONDITION, True, _ANY_OF_CONDITION), Mark(PER_ITEM, True)]
"""A condition that the node asks for each item of a list itself: `config.condition(item, index)`, `await config.condition.all(items)`."""

ItemValue = Annotated[PerItem[JsonValue], Mark(PER_ITEM, True, (("type", "string"), ("minLength", 1)))]
"""An expression over `item` and `index`, or the path of a field in each item; called like an `ItemCondition`."""

Items = Annotated[list[JsonValue], WithJsonSchema({"anyOf": [{"type": "array"}, {"type": "string", "pattern": r"\{\{"}]})]
"""A list that is usually the value of an expression."""

WorkflowId = Annotated[UUID, Mark(WORKFLOW, True)]
"""A workflow of the same project. Literal."""

Multiline = Annotated[str, Mark(MULTILINE, True)]
"""A text of several lines."""

Code = Annotated[str, Mark(CODE, "python"), Mark(STATIC, True)]
"""Python source. Literal."""


class Use(Generic[S]):
    """A field that names a credential: `auth: Use[Bearer] | None`, or `Use[Bearer | Basic]` for one of several types.

    It holds the credential's id and never the secret. `await ctx.secret(config.auth)` gives the secret, at the step that
    names it and at no other time.
    """

    __slots__ = ("id", "types")

    def __init__(self, id: UUID, types: tuple[type[SecretData], ...]) -> None:
        self.id = id
        self.types = types

    def open(self, secret: Secret) -> S:
        """The secret as its type. For the engine: `ctx.secret` calls it. Raises `CredentialRefused` for another type."""
        for shape in self.types:
            if shape.credential_type == secret.type:
                try:
                    opened = shape.model_validate(secret.data)
                except ValidationError as error:
                    fields = ", ".join(str(line["loc"][0]) for line in error.errors(include_input=False) if line["loc"])
                    hint = "Open the credential, fill in these fields and save it."
                    raise CredentialRefused(f"The credential's {fields} can't be used.", hint=hint) from None
                opened.bind(secret.allowed_hosts, secret.version)
                return opened  # type: ignore[return-value]  # `types` are S's members, known at run time only
        wanted = " or ".join(shape.credential_type for shape in self.types)
        raise CredentialRefused(f"The credential is of type {secret.type}, this field takes {wanted}.", hint="Choose another credential.")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        types = _shapes(source)
        make = core_schema.no_info_after_validator_function(lambda named: cls(named, types), core_schema.uuid_schema())
        to_text = core_schema.plain_serializer_function_ser_schema(lambda use: str(use.id), return_schema=core_schema.str_schema())
        held = core_schema.is_instance_schema(cls)
        names = [shape.credential_type for shape in types]
        return core_schema.union_schema([held, make], serialization=to_text, metadata={"pydantic_js_functions": [_credential(names)]})


def _shapes(source: Any) -> tuple[type[SecretData], ...]:
    """The credential types in `Use[A]` or `Use[A | B]`."""
    (inner,) = get_args(source) or (None,)
    shapes = get_args(inner) if get_origin(inner) in (Union, UnionType) else (inner,)
    if not all(isinstance(shape, type) and issubclass(shape, SecretData) for shape in shapes):
        raise TypeError("Use needs a credential type: Use[Bearer], or Use[Bearer | Basic]")
    return shapes


def _credential(names: list[str]) -> Any:
    def draw(_schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonObject:
        return {"type": "string", "format": "uuid", CREDENTIAL: names, STATIC: True}

    return draw

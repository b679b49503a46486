"""Reading a batch of reports: one that makes no sense does not take the others with it."""

from dataclasses import dataclass
from uuid import UUID

import orjson
from pydantic import ValidationError

from backend.errors import BadRequest, Unprocessable
from trestle.contracts.jobs import Holding, Report, Reports


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A report of which only this is known."""

    execution_id: UUID
    epoch: int
    why: str


def read(body: bytes) -> list[Report | Unreadable]:
    """The reports of an encoded `Reports`, in order.

    Raises:
        BadRequest: no JSON.
        Unprocessable: JSON, but no batch; or a report that does not say of which execution it is.
    """
    try:
        return [*Reports.model_validate_json(body).reports]
    except ValidationError:
        return [_read_one(found) for found in _parts(body)]


def _parts(body: bytes) -> list[object]:
    try:
        batch = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The batch is not valid JSON: {error}.") from None
    parts = batch.get("reports") if isinstance(batch, dict) else None
    if not isinstance(parts, list) or len(parts) > 1000:
        raise Unprocessable("A batch is an object with `reports`, a list of at most 1,000.")
    return parts


def _read_one(found: object) -> Report | Unreadable:
    try:
        # From JSON, as the whole batch would have been: Python objects are read more strictly.
        return Report.model_validate_json(orjson.dumps(found))
    except ValidationError as error:
        why = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False, include_input=False)[:3])
    try:
        whose = Holding.model_validate(found)
    except ValidationError:
        raise Unprocessable(f"A report does not say of which execution and epoch it is: {why}.") from None
    return Unreadable(whose.execution_id, whose.epoch, why)

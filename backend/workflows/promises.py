"""What can be written down but would not be kept: refused when publishing, rather than taken and ignored."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.triggers.authentication import SCHEMES
from trestle.contracts.graph import Node, WorkflowSettings
from trestle.contracts.problems import FieldError
from trestle.language import LanguageError, compile_config, compile_logic

WEBHOOK = "trigger.webhook"
RESPOND = "webhook.respond"
EVENT = "trigger.event"


def broken_by_settings(settings: WorkflowSettings) -> Iterable[FieldError]:
    """A problem for each setting that nothing acts on."""
    if settings.concurrency is not None and settings.concurrency.key is not None:
        yield from _broken_key(settings.concurrency.key)
    if settings.save_data != "all":
        yield _of_settings("save_data", "Every execution's data is kept: leaving it out is not there yet. Choose “all”.")


def broken_by_webhook(node: Node, nodes: Sequence[Node], credentials: Mapping[str, str]) -> Iterable[FieldError]:
    """A problem for what a webhook's answer and authentication lack. `credentials`: type by id."""
    if node.type != WEBHOOK:
        return
    if node.config.get("respond") == "node" and not any(other.type == RESPOND and not other.disabled for other in nodes):
        message = "respond: There is no Respond node that could answer. Add one, or choose another answer."
        yield FieldError(loc=["config", "respond"], node=node.key, message=message)
    auth: Any = node.config.get("auth")
    kind = auth.get("kind", "none") if isinstance(auth, dict) else "none"
    if kind == "none":
        return
    scheme = SCHEMES.get(str(kind))
    if scheme is None:
        message = f"auth.kind: There is no scheme “{kind}”: every call would be refused. Choose one of {', '.join(SCHEMES)}."
        yield FieldError(loc=["config", "auth", "kind"], node=node.key, message=message)
        return
    credential = auth.get("credential")
    if not credential:
        message = f"auth.credential: The scheme “{kind}” needs a credential: without it every call would be refused. Choose one."
        yield FieldError(loc=["config", "auth", "credential"], node=node.key, message=message)
    elif credentials.get(str(credential), scheme.credentials[0]) not in scheme.credentials:  # one that isn't there has a problem of its own
        wanted = " or ".join(scheme.credentials)
        message = f"auth.credential: The scheme “{kind}” needs a credential of the type {wanted}. Choose one."
        yield FieldError(loc=["config", "auth", "credential"], node=node.key, message=message)


def _broken_key(key: str) -> Iterable[FieldError]:
    """It is evaluated before the execution runs: there are only what came, and from where."""
    try:
        unknown = sorted(compile_config({"key": key}).names() - {"payload", "trigger"})
    except LanguageError as error:
        yield _of_settings("concurrency", f"The key can't be read. {error.message} {error.hint}".strip())
        return
    if unknown:
        yield _of_settings(
            "concurrency", f"The key is looked at before anything runs: “{unknown[0]}” is not there yet. Use payload or trigger."
        )


def broken_by_event(node: Node) -> Iterable[FieldError]:
    """A problem for a condition that could never be told."""
    condition = node.config.get("condition")
    if node.type != EVENT or not isinstance(condition, dict):
        return
    try:
        compile_logic(condition)
    except LanguageError as error:
        steps = [int(step) if step.isdecimal() else step for step in error.field.split("/")[1:]]
        what = " ".join(part for part in (error.message, error.hint) if part)
        yield FieldError(loc=["config", "condition", *steps], node=node.key, message=f"condition: {what}")


def _of_settings(name: str, message: str) -> FieldError:
    return FieldError(loc=["settings", name], message=message)

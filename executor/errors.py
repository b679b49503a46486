"""What can go wrong in the executor, as one tree.

ExecutorError
├── NodeError             a node says that it failed, and what to do
│   ├── InvalidConfig     the rendered config isn't what the node takes
│   └── CredentialRefused a credential may not be used here
├── Throttled             a rate limit is reached: the step is to start later
├── RegistryError         the set of nodes can't be built
│   ├── BrokenNode        a built-in node doesn't load
│   └── DuplicateNodeType two files define one type
└── UnknownNodeType       the graph names a type that isn't here
"""

from datetime import datetime

from pydantic import ValidationError

from trestle.contracts.executions import StepError
from trestle.contracts.wording import in_words


class ExecutorError(Exception):
    """Anything the executor raises on purpose."""


class NodeError(ExecutorError):
    """A node's failure, in words for the person who drew the workflow.

    `hint` says what to do. `retryable`: another attempt may succeed without anybody changing anything. `retry_after_s`:
    not before so many seconds. `outcome_unknown`: the other side gave no answer (a timeout, a lost connection) and may have
    done it; a repeat then carries the same idempotency key, and an unsafe step isn't repeated. `restart`: another attempt begins
    with `run` again, though this one was a `resume`. `type` groups failures of one kind; it is shown, and stored with the step.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        retryable: bool = False,
        retry_after_s: float | None = None,
        outcome_unknown: bool = False,
        restart: bool = False,
        type: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.outcome_unknown = outcome_unknown
        self.restart = restart
        self.type = type or self.__class__.__name__

    def as_step_error(self) -> StepError:
        """The form in which it is reported."""
        return StepError(type=self.type, message=self.message, hint=self.hint)


class InvalidConfig(NodeError):
    """After rendering, a field holds what the node can't take. The message names each such field."""

    @classmethod
    def of(cls, error: ValidationError) -> "InvalidConfig":
        """From what pydantic says. Values are left out: they may hold secrets, or be long."""
        found = [
            f"{'.'.join(str(part) for part in line['loc']) or 'config'}: {in_words(line)}" for line in error.errors(include_input=False)
        ]
        return cls(" ".join(found), hint="Change the field, or the expression that fills it.")


class CredentialRefused(NodeError):
    """The credential is of another type than the field takes, or isn't allowed at the host that would get it."""


class Throttled(ExecutorError):
    """A rate limit is reached. The same attempt starts once more at `due` (aware); it doesn't count, and nothing has failed.

    To be raised only before the attempt has sent anything: all of it is run again. `reason` shows on the waiting step.
    """

    def __init__(self, due: datetime, reason: str) -> None:
        super().__init__(reason)
        self.due = due
        self.reason = reason


class RegistryError(ExecutorError):
    """The executor can't start with these nodes."""


class BrokenNode(RegistryError):
    """A node file doesn't load, or its class breaks a rule. The message names the file and the rule."""


class DuplicateNodeType(RegistryError):
    """Two files define the same type. The message names both."""


class UnknownNodeType(ExecutorError):
    """No node of this type is loaded here, or it is broken."""

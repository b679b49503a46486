"""The table of moves, as SQL: every UPDATE of a status is guarded by the states from which its event may happen."""

import re

from trestle.contracts.states import Event, sources, target

_MAY = re.compile(r"\{(\w+) may (\w+)\}")
_TO = re.compile(r"\{to (\w+)\}")


def guarded(statement: str) -> str:
    """`statement` with `{e may claim}` as `e.status in ('queued')` and `{to claim}` as `'running'`.

    The states become literals, not parameters: PostgreSQL uses a partial index only where it can see the state.
    """

    def may(match: re.Match[str]) -> str:
        states = ", ".join(f"'{state}'" for state in sources(Event(match[2])))
        return f"{match[1]}.status in ({states})"

    return _TO.sub(lambda match: f"'{target(Event(match[1]))}'", _MAY.sub(may, statement))

"""`python -m tests.chaos.render artifacts/chaos.json`: writes a run's figures into the tables of docs/chaos.md."""

import json
import re
import sys
from pathlib import Path
from typing import Any

PAGE = Path("docs/chaos.md")
_STORM = (
    "executions",
    "strikes",
    "executions hit",
    "lost",
    "stuck",
    "failed falsely",
    "made twice",
    "calls repeated",
    "runs after a recorded success",
    "steps whose key changed",
    "forbidden writes",
    "reports sent",
    "stale writes",
    "stale writes refused",
    "recovery p50 s",
    "recovery p99 s",
    "recovery max s",
)
_LEFT_OUT = {"keys shared by steps", "recovery p99 s by strike", "recovery p50 s"}


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def storm_table(runs: list[dict[str, Any]]) -> str:
    """A column for each seed."""
    lines = ["| | " + " | ".join(f"seed {run['seed']}" for run in runs) + " |", "| --- |" + " ---: |" * len(runs)]
    lines += [f"| {label} | " + " | ".join(_number(run["figures"].get(label, "–")) for run in runs) + " |" for label in _STORM]
    return "\n".join([*lines, "| held | " + " | ".join("yes" if run["held"] else "**no**" for run in runs) + " |"])


def other_table(runs: list[dict[str, Any]]) -> str:
    """A row for each scenario."""
    lines = ["| scenario | held | figures |", "| --- | --- | --- |"]
    for run in runs:
        shown = " · ".join(f"{label} {_number(value)}" for label, value in run["figures"].items() if label not in _LEFT_OUT)
        lines.append(f"| {run['name']} | {'yes' if run['held'] else '**no**'} | {shown} |")
    return "\n".join(lines)


def put(page: str, name: str, table: str) -> str:
    """`page` with this table between the marks `<!-- name -->` and `<!-- end -->`."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    assert pattern.search(page), f"{PAGE} has no place for {name}"
    return pattern.sub(lambda found: f"{found[1]}{table}\n{found[2]}", page)


def main(source: Path) -> None:
    """Fill in what the file has; a table without runs stays as it is."""
    told = json.loads(source.read_text())
    assert not told["quick"], "these are the figures of a quick run: they are for trying out"
    page = PAGE.read_text()
    storms = [run for run in told["runs"] if run["name"] == "storm"]
    others = [run for run in told["runs"] if run["name"] != "storm"]
    if storms:
        page = put(page, "storm", storm_table(storms))
    if others:
        page = put(page, "others", other_table(others))
    PAGE.write_text(page)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "artifacts/chaos.json"))

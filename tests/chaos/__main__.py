"""`make chaos`: breaks the product on purpose, counts what that cost, and exits with 1 if a promise did not hold.

`python -m tests.chaos [NAME …] [--seed N …] [--quick] [--json FILE]`. Without names: everything, the storm with five seeds.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests import servers
from tests.chaos import clocks, items, network, poison, rolling, storm
from tests.chaos.judging import Result
from tests.chaos.scene import Ground

SEEDS = (1, 2, 3, 4, 5)
Scenario = Callable[[Ground, int, bool], Coroutine[Any, Any, Result]]


async def _storm(ground: Ground, seed: int, quick: bool) -> Result:
    return await storm.run(ground, seed, storm.QUICK if quick else storm.FULL)


async def _schedules(ground: Ground, seed: int, quick: bool) -> Result:
    return await clocks.scenario(ground.template, ground.folder, seed, quick=quick)


SCENARIOS: dict[str, Scenario] = {
    "storm": _storm,
    "network": network.run,
    "schedules": _schedules,
    "rolling": rolling.run,
    "items": items.run,
    "poison": poison.run,
}


def say(line: str) -> None:
    """Print at once: it takes a while."""
    print(line, flush=True)


def main() -> int:
    """0 where every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Breaks the product on purpose and counts what that cost.")
    parser.add_argument("names", nargs="*", choices=[*SCENARIOS, []], help=f"of {', '.join(SCENARIOS)}; without any: all")
    parser.add_argument("--seed", type=int, action="append", help="may be given several times")
    parser.add_argument("--quick", action="store_true", help="a small version of each, for trying out")
    parser.add_argument("--json", type=Path, default=Path("artifacts/chaos.json"), help="where the figures go")
    asked = parser.parse_args()
    results: list[Result] = []
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="trestle-chaos-") as folder:
        template = servers.make_migrated(Path(folder) / "template")
        for name in asked.names or SCENARIOS:
            for seed in asked.seed or (SEEDS if name == "storm" else SEEDS[:1]):
                say(f"— {name}, seed {seed} ({os.cpu_count()} cores, load {os.getloadavg()[0]:.2f})")
                result = asyncio.run(SCENARIOS[name](Ground(template, Path(folder) / f"{name}-{seed}", say), seed, asked.quick))
                results.append(result)
                say("  " + " · ".join(f"{label} {count}" for label, count in result.figures.items()))
                say(f"  {'held' if result.held else 'BROKEN: ' + '; '.join(result.broken)} ({result.took_s:.0f} s)")
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    told = {"quick": asked.quick, "cores": os.cpu_count(), "took_s": round(time.time() - began), "runs": [r.as_json() for r in results]}
    asked.json.write_text(json.dumps(told, indent=2) + "\n")
    broken = [result for result in results if not result.held]
    say(f"{len(results) - len(broken)} of {len(results)} runs held every promise; figures in {asked.json}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""A small storm, with one fixed seed. `make chaos` has the large ones (docs/chaos.md)."""

from pathlib import Path

from tests.chaos import storm
from tests.chaos.scene import Ground
from trestle.cli.home import Home


async def test_a_small_storm_of_every_kind_of_strike_breaks_no_promise(migrated_home: Home, tmp_path: Path) -> None:
    result = await storm.run(Ground(migrated_home, tmp_path / "home", print), 1, storm.QUICK)
    assert result.broken == []
    assert result.figures["strikes"] == storm.QUICK.plan.strikes
    assert result.figures["stale writes"] > 0, "a frozen executor woke up, and was refused"

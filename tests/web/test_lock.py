"""The lock of the front end's packages, as it is committed and as a build would change it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from web import build

LOCK = json.loads((build.LOCK_DIR / "package-lock.json").read_text())


def test_the_lock_pins_by_hash_and_names_no_host() -> None:
    packages = {name: package for name, package in LOCK["packages"].items() if name}
    assert len(packages) > 100
    assert {name for name, package in packages.items() if not package.get("integrity", "").startswith("sha512-")} == set()
    assert "://" not in json.dumps(LOCK)


def test_everything_the_pages_need_is_locked() -> None:
    wanted = json.loads((build.LOCK_DIR / "package.json").read_text())
    names = {f"node_modules/{name}" for kind in ("dependencies", "devDependencies") for name in wanted[kind]}
    assert names <= LOCK["packages"].keys()


def test_a_build_is_current_until_a_source_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("web", "trestle/contracts", "reflex.lock"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "rxconfig.py").write_text("")
    (tmp_path / "web" / "app.py").write_text("1")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "LOCK_DIR", tmp_path / "reflex.lock")
    out = tmp_path / "out"
    assert not build.is_current(out)
    (out / "dist").mkdir(parents=True)
    (out / "dist" / "stamp").write_text(build.source_hash())
    assert build.is_current(out)
    (tmp_path / "web" / "__pycache__").mkdir()
    (tmp_path / "web" / "__pycache__" / "app.pyc").write_text("x")
    assert build.is_current(out)
    (tmp_path / "web" / "app.py").write_text("2")
    assert not build.is_current(out)


def test_what_npm_adds_about_hosts_is_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, kept = tmp_path / "made", tmp_path / "kept"
    made.mkdir()
    address = "https://registry.example/a.tgz"
    package = {"version": "1.0.0", "resolved": address, "integrity": "sha512-x", "funding": {"url": "https://money.example"}}
    (made / "package-lock.json").write_text(json.dumps({"packages": {"node_modules/a": package}}))
    monkeypatch.setattr(build, "LOCK_DIR", kept)
    build._keep_lock(made)
    assert json.loads((kept / "package-lock.json").read_text()) == {
        "packages": {"node_modules/a": {"version": "1.0.0", "integrity": "sha512-x"}}
    }

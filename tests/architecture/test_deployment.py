"""docker-compose.yml, the Dockerfile and the images' lock files fit each other and the documentation."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import check_jsonschema.builtin_schemas
import jsonschema
import pytest
import yaml

from tests.architecture.sources import PROJECT

SERVICES = ("backend", "executor", "web")
OURS = ("migrate", *SERVICES)
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^ ;\\]+)", re.MULTILINE)


def compose() -> dict[str, Any]:
    """The compose file, merged keys and all."""
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())  # type: ignore[no-any-return]  # YAML


def pins(lock: Path) -> dict[str, set[str]]:
    """Versions by package; more than one where they differ by platform or Python."""
    found: dict[str, set[str]] = {}
    for package, version in PIN.findall(lock.read_text()):
        found.setdefault(package, set()).add(version)
    return found


def copied(target: str) -> list[str]:
    """What the final stage of an image copies from the project."""
    dockerfile = (PROJECT / "Dockerfile").read_text()
    stage = re.split(r"^FROM ", dockerfile.split(f" AS {target}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return [source for line in re.findall(r"^COPY (?!--from)(.+)$", stage, re.MULTILINE) for source in line.split()[:-1]]


def test_the_compose_file_keeps_to_the_specification() -> None:
    schemas = Path(check_jsonschema.builtin_schemas.__file__).parent / "vendor"
    jsonschema.validate(compose(), json.loads((schemas / "compose-spec.json").read_text()))


def test_every_service_has_its_documented_command() -> None:
    services = compose()["services"]
    assert services.keys() == {"postgres", "redis", *OURS}
    assert services["migrate"]["command"] == ["python", "-m", "trestle", "migrate"]
    dockerfile = (PROJECT / "Dockerfile").read_text()
    for name in SERVICES:
        assert services[name]["command"] == ["python", "-m", name]
        assert f'CMD ["python", "-m", "{name}"]' in dockerfile


def test_every_service_is_watched_and_none_runs_as_root() -> None:
    services = compose()["services"]
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"migrate"}
    assert {services[name]["user"] for name in ("postgres", "redis")} == {"postgres", "redis"}
    dockerfile = (PROJECT / "Dockerfile").read_text()
    for name in SERVICES:
        stage = dockerfile.split(f" AS {name}\n", 1)[1]
        assert "USER trestle" in stage.split("CMD", 1)[0]


def test_only_the_backend_is_told_of_the_database() -> None:
    services = compose()["services"]
    assert {name for name in OURS if "DATABASE_URL" in services[name]["environment"]} == {"migrate", "backend"}
    assert {name for name in OURS if "REDIS_URL" in services[name]["environment"]} == {"backend", "executor"}
    assert {name for name in OURS if "TRESTLE_ENCRYPTION_KEYS" in services[name]["environment"]} == {"backend"}


def test_no_secret_has_a_default() -> None:
    text = (PROJECT / "docker-compose.yml").read_text()
    secret = re.findall(r"\$\{(\w*(?:PASSWORD|KEY)\w*)(:[?-])?", text)
    assert secret
    assert {name for name, insists in secret if insists != ":?"} == set()
    assert [line for line in (PROJECT / ".env.example").read_text().splitlines() if re.match(r"\w*(PASSWORD|KEY)\w*=.+", line)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_the_ground_floor_and_its_own_service(service: str) -> None:
    extra = {"backend": {"alembic/"}, "executor": set(), "web": {"rxconfig.py"}}[service]
    assert set(copied(service)) == {"trestle/", f"{service}/"} | extra


def test_the_build_context_holds_what_the_dockerfile_copies() -> None:
    kept = [line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert sources
    assert [source for source in sources if not (PROJECT / source).exists()] == []
    assert [source for source in sources if not any(source.rstrip("/") == path or source.startswith(f"{path}/") for path in kept)] == []


@pytest.mark.parametrize("lock", sorted((PROJECT / "deploy" / "requirements").glob("*.lock")), ids=lambda path: path.name)
def test_images_have_the_versions_that_were_tested(lock: Path) -> None:
    if lock.name == "uv.lock":
        assert pins(lock).keys() == {"uv"}
        return
    everything = pins(PROJECT / "requirements.lock")
    assert {package: versions for package, versions in pins(lock).items() if not versions <= everything.get(package, set())} == {}
    assert "--hash=sha256:" in lock.read_text()


_IMPORT_ALL = """
import importlib, importlib.metadata, json, pkgutil, re, sys
service, *installed = json.load(sys.stdin)
owners = importlib.metadata.packages_distributions()

class Missing:
    # Packages that the image doesn't have can't be imported, as there.
    def find_spec(self, name, path=None, target=None):
        distributions = owners.get(name.split(".")[0], [])
        if distributions and not {re.sub(r"[-_.]+", "-", d).lower() for d in distributions} & set(installed):
            raise ModuleNotFoundError(f"{name} belongs to {distributions}, which the image does not have", name=name)
        return None

sys.meta_path.insert(0, Missing())
for root in (service, "trestle.contracts", "trestle.language", "trestle.outbound"):
    package = importlib.import_module(root)
    for module in pkgutil.walk_packages(package.__path__, root + "."):
        importlib.import_module(module.name)
"""


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_installs_all_that_its_service_imports(service: str) -> None:
    installed = [*pins(PROJECT / "deploy" / "requirements" / f"{service}.lock"), "setuptools", "pip"]
    asked = json.dumps([service, *installed])
    done = subprocess.run([sys.executable, "-c", _IMPORT_ALL], cwd=PROJECT, input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

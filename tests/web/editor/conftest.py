"""Fixtures of the editor's tests."""

from collections.abc import Iterator

import pytest

from tests.acceptance.stack import Stack, running
from tests.web.editor.browser_modules import BrowserModules
from trestle.cli.home import Home
from web.build import DEFAULT_OUT, build


@pytest.fixture(scope="session")
def js() -> Iterator[BrowserModules]:
    """The editor's pure modules."""
    modules = BrowserModules()
    yield modules
    modules.close()


@pytest.fixture(scope="session")
def stack(migrated_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product, shared by the editor's tests: each draws a workflow of its own."""
    build(DEFAULT_OUT)
    with running(
        migrated_home, tmp_path_factory.mktemp("editor") / "home", web=True, env={"TRESTLE_WEB_BUILD": str(DEFAULT_OUT)}
    ) as started:
        yield started

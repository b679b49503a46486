"""Fixtures of the editor's tests."""

from collections.abc import Iterator

import pytest

from tests.web.editor.browser_modules import BrowserModules


@pytest.fixture(scope="session")
def js() -> Iterator[BrowserModules]:
    """The editor's pure modules."""
    modules = BrowserModules()
    yield modules
    modules.close()

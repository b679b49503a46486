"""Scripts and stylesheets that lie among the Python modules: where they go for the bundle, and by what name pages import them.

Reflex's own `asset(…, shared=True)` looks through the whole call stack for the module that asks, 30 ms for each file, at every start.
"""

import shutil
from pathlib import Path

_SUFFIXES = (".js", ".jsx", ".css")
_WEB = Path(__file__).resolve().parent
_ASSETS = _WEB / "assets"
_FOLDER = "external/web"
"""In the assets; below it is the tree of the sources, so that they find each other as they lie."""


def importable(path: Path) -> str:
    """What the library of a component calls the script at `path`. Raises FileNotFoundError where there is none."""
    if path.suffix not in _SUFFIXES or not path.is_file():
        raise FileNotFoundError(f"There is no script or stylesheet {path}.")
    return f"$/public/{_FOLDER}/{path.resolve().relative_to(_WEB).as_posix()}"


def stage(assets: Path) -> None:
    """Copies what is served as it is, and every script and stylesheet of the sources, to the assets of a build."""
    shutil.copytree(_ASSETS, assets)
    for path in _WEB.rglob("*"):
        if path.suffix in _SUFFIXES and _ASSETS not in path.parents:
            target = assets / _FOLDER / path.relative_to(_WEB)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)

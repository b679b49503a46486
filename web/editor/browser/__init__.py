"""The part of the editor that runs in the browser. Every script and stylesheet of this folder goes into the bundle together."""

from pathlib import Path

from web.bundle import importable

_HERE = Path(__file__).parent

LIBRARY = importable(_HERE / "editor.jsx")
"""What the page imports; the other files are imported from there."""

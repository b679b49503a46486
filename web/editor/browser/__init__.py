"""The part of the editor that runs in the browser. Every script and stylesheet of this folder goes into the bundle together."""

from pathlib import Path

import reflex as rx

ENTRY = "editor.jsx"
SUFFIXES = (".js", ".jsx", ".css")

_ASSETS = {path.name: rx.asset(path.name, shared=True) for path in sorted(Path(__file__).parent.iterdir()) if path.suffix in SUFFIXES}
LIBRARY = _ASSETS[ENTRY].importable_path
"""What the page imports; the other files are imported from there."""
RULE = _ASSETS["rule.jsx"].importable_path
"""A schedule in words, without the rest."""

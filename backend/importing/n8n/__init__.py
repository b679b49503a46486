"""n8n's workflows, whole or as its clipboard holds them."""

from backend.importing.n8n.drawing import drawn, is_one

__all__ = ["drawn", "is_one"]

"""Expressions and conditions: ``{{ … }}`` and JSONLogic over JSON. Pure: no files, no network, no host objects.

    template = compile_config({"url": "https://example.com/{{ payload.id }}", "score": "{{ payload.score * 2 }}"})
    template.render(Scope(payload={"id": 7, "score": 40}))   # {"url": "https://example.com/7", "score": 80}

Only a text that is compiled is ever evaluated; what it renders from is data, however much ``{{`` it holds.
"""

from trestle.language.conditions import Condition, compile_condition, compile_logic
from trestle.language.errors import LanguageError
from trestle.language.expressions import Expression, compile_expression
from trestle.language.files import content
from trestle.language.per_item import ItemValue, compile_item_value
from trestle.language.references import Reference, Unloaded, pointer_step, put, references_in, replaced, taken_out, whole
from trestle.language.scope import ROOTS, Scope
from trestle.language.template import Template, check_config, compile_config, has_expression

__all__ = [
    "ROOTS",
    "Condition",
    "Expression",
    "ItemValue",
    "LanguageError",
    "Reference",
    "Scope",
    "Template",
    "Unloaded",
    "check_config",
    "compile_condition",
    "compile_config",
    "compile_expression",
    "compile_item_value",
    "compile_logic",
    "content",
    "has_expression",
    "pointer_step",
    "put",
    "references_in",
    "replaced",
    "taken_out",
    "whole",
]

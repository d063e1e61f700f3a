"""Models that a person fills in as a form."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema

_TEXT = "string"
_TITLES = {_TEXT: "Text", "number": "Number", "integer": "Number", "array": "List", "null": "Empty"}


class Form(BaseModel):
    """A model whose JSON schema makes a good form of Prefect's, in either of its UIs.

    Each field has its ``position``: the order of the names is lost where schemas are kept, as Postgres sorts them by
    their length. A text that may be left out opens as an empty box, and not as the word None; an empty text is none.
    """

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The model's schema, its fields numbered and ready to be typed into."""
        made = handler(schema)
        fields = handler.resolve_ref_schema(made).get("properties", {})
        for field in fields.values():
            inside = handler.resolve_ref_schema({"$ref": field["$ref"]}) if "$ref" in field else {}
            if "anyOf" in inside:  # one UI has a box for each kind only where the field itself lists them
                del field["$ref"]
                field.update({"title": inside["title"], **field, "anyOf": inside["anyOf"]})
            if "anyOf" in field:
                _open_as_text(field, handler)
        number(fields)
        return made


def number(fields: dict[str, dict[str, Any]]) -> None:
    """Give each field its position, as the fields stand."""
    for position, field in enumerate(fields.values()):
        field["position"] = position


def _open_as_text(field: dict[str, Any], handler: GetJsonSchemaHandler) -> None:
    kinds: list[dict[str, Any]] = []
    for kind in field["anyOf"]:
        inside = handler.resolve_ref_schema(kind) if "$ref" in kind else {}
        kinds += inside.get("anyOf", [kind])
    # one row of kinds to choose from, not one inside of another; without a title the form shows Python's: str, NoneType
    field["anyOf"] = [
        {"title": _TITLES[kind["type"]], **kind} if kind.get("type") in _TITLES else kind for kind in kinds
    ]
    if field.get("default", "") is None and any(kind.get("type") == _TEXT for kind in kinds):
        field["default"] = ""

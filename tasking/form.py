"""Models that a person fills in as a form."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema


class Form(BaseModel):
    """A model whose JSON schema says in which order its fields stand: ``position``, which Prefect's forms sort by.

    The order of the names alone is lost where schemas are kept: Postgres sorts them by their length.
    """

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The model's schema, its fields numbered."""
        made = handler(schema)
        number(handler.resolve_ref_schema(made).get("properties", {}))
        return made


def number(fields: dict[str, dict[str, Any]]) -> None:
    """Give each field its position, as the fields stand."""
    for position, field in enumerate(fields.values()):
        field["position"] = position

"""What ICEYE's published OpenAPI text says about a request and an answer, as assertions for tests.

The text (``tests/fixtures/iceye-openapi``) is OpenAPI 3.0: its schemas become JSON Schema by turning ``nullable`` into
a second type. What it does not describe but the documents do, ``POST /feasibility``, the contracts and the error form
for ``application/problem+json``, is added here by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]

_TEXT = Path(__file__).parents[1] / "fixtures" / "iceye-openapi" / "tasking.yml"
_ERRORS = {400, 401, 403, 404, 429, 500}
# No type information is published for these two.
_jsonschema: Any = import_module("jsonschema")
_yaml: Any = import_module("yaml")


def _schema(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_STRING: Json = {"type": "string"}
_PROBLEM = _schema(title=_STRING, code=_STRING, details=_STRING, reference=_STRING) | {"required": ["title", "code"]}
_VERDICT = _schema(id={"type": "string", "pattern": "^[0-9]+$"}, result={"enum": ["FEASIBLE", "INFEASIBLE"]})
_FEASIBILITY: Json = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/TaskRequest"}}
            }
        }
    },
    "responses": {
        "200": {"content": {"application/json": {"schema": _schema(feasibility={"type": "array", "items": _VERDICT})}}},
    },
}


def _as_json_schema(node: Any) -> Any:
    if isinstance(node, list):
        return [_as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: _as_json_schema(value) for name, value in node.items()}
    if made.pop("nullable", False) is True:
        made["type"] = [made["type"], "null"]
    return made


@cache
def document() -> Json:
    """The published text with ``/feasibility`` added, its schemas as JSON Schema."""
    text: Json = _as_json_schema(_yaml.safe_load(_TEXT.read_text()))
    text["paths"]["/feasibility"] = {"post": _FEASIBILITY}
    return text


def _operation(method: str, path: str) -> tuple[Json, dict[str, str]]:
    """The operation of a call and its path parameters; ``path`` may be a whole address or start anywhere before v2."""
    bare = path.partition("?")[0].rpartition("/tasking/v2")[2] or path
    # What is fixed wins over what is a parameter.
    for template, operations in sorted(document()["paths"].items(), key=lambda one: one[0].count("{")):
        found = re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)), bare)
        if found:
            assert method.lower() in operations, f"{method} {bare} is not described"
            operation: Json = operations[method.lower()]
            return operation, {name: unquote(value) for name, value in found.groupdict().items()}
    raise AssertionError(f"{bare} is not described")


def _check(value: Any, schema: Json, about: str) -> None:
    whole = {**schema, "components": document()["components"]}
    formats = _jsonschema.Draft202012Validator.FORMAT_CHECKER
    problems = sorted(_jsonschema.Draft202012Validator(whole, format_checker=formats).iter_errors(value), key=str)
    said = "; ".join(f"{'.'.join(map(str, one.absolute_path)) or '(all)'}: {one.message}" for one in problems)
    assert not problems, f"{about}: {said}"


def _resolved(node: Json) -> Json:
    if "$ref" not in node:
        return node
    found: Any = document()
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return _resolved(found)


def _query_value(text: str, schema: Json) -> Any:
    kind = _resolved(schema).get("type")
    if kind in ("integer", "number"):
        try:
            return int(text) if kind == "integer" else float(text)
        except ValueError:
            return text
    return text


def _query_as_objects(query: Mapping[str, str], parameters: list[Json]) -> Json:
    """Query parameters by name; ``name[key]`` of a deepObject parameter becomes a member of ``name``."""
    schemas = {one["name"]: one["schema"] for one in parameters if one["in"] == "query"}
    found: Json = {}
    for name, value in query.items():
        deep = re.fullmatch(r"(\w+)\[(\w+)\]", name)
        if deep and deep[1] in schemas:
            inner = schemas[deep[1]].get("properties", {}).get(deep[2], {})
            found.setdefault(deep[1], {})[deep[2]] = _query_value(value, inner)
        else:
            found[name] = _query_value(value, schemas.get(name, {}))
    return found


def assert_request_valid(method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> None:
    """Assert that a call is one the text describes.

    Args:
        method: HTTP method.
        path: Path or address; what stands before ``/tasking/v2`` and after ``?`` does not count.
        body: The JSON body as read, ``None`` without one.
        query: Decoded query parameters by name.

    Raises:
        AssertionError: With every problem that was found.
    """
    operation, in_path = _operation(method, path)
    about = f"{method} {path}"
    parameters: list[Json] = operation.get("parameters", [])
    for one in parameters:
        if one["in"] == "path":
            _check(in_path[one["name"]], one["schema"], about)
    in_query = [one for one in parameters if one["in"] == "query"]
    schema = {
        "type": "object",
        "properties": {one["name"]: one["schema"] for one in in_query},
        "required": [one["name"] for one in in_query if one.get("required")],
        "additionalProperties": False,
    }
    _check(_query_as_objects(query or {}, parameters), schema, f"{about} (query)")
    if "requestBody" in operation:
        _check(body, operation["requestBody"]["content"]["application/json"]["schema"], f"{about} (body)")
    else:
        assert body is None, f"{about}: no body is described"


def assert_answer_valid(method: str, path: str, status: int, body: Any, content_type: str = "application/json") -> None:
    """Assert that an answer is one the text describes for its call.

    Args:
        method: HTTP method of the call.
        path: Its path or address.
        status: HTTP status of the answer.
        body: Its JSON body as read.
        content_type: Its media type; an error as ``application/problem+json`` has the form of the documents.

    Raises:
        AssertionError: With every problem that was found.
    """
    operation, _ = _operation(method, path)
    about = f"{method} {path} -> {status}"
    media = content_type.partition(";")[0].strip().lower()
    if media == "application/problem+json":
        assert status in _ERRORS, f"{about}: this status is not described"
        _check(body, _PROBLEM, about)
        return
    assert media == "application/json", f"{about}: {media} is not described"
    if str(status) in operation["responses"]:
        _check(body, _resolved(operation["responses"][str(status)])["content"][media]["schema"], about)
    else:
        assert "/feasibility" in path, f"{about}: this status is not described"
        assert status in _ERRORS, f"{about}: this status is not described"
        _check(body, {"$ref": "#/components/schemas/Error"}, about)

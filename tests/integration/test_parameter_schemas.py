"""What a person fills in: every flow's parameters and every block, as Prefect's forms read their JSON schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.blocks.core import Block
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import validate

from flows.approval import Approval
from flows.order_anywhere import read_wish
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.iceye.order import IceyeOrder
from tasking.order import Order, order_from
from tasking.satellogic.order import SatellogicOrder
from tests.support.account_blocks import OURS
from tests.support.order_fields import GOOD

DEPLOYED = yaml.safe_load((Path(__file__).parents[2] / "prefect.yaml").read_text())["deployments"]
ENTRYPOINTS = sorted({one["entrypoint"] for one in DEPLOYED})
POINT = {"name": "Bay", "point": "POINT (139.8 35.5)", "window": GOOD["window"]}
ORDERS: list[tuple[type[Order], dict[str, Any]]] = [
    (AxelGlobeOrder, GOOD),
    (IceyeOrder, POINT),
    (SatellogicOrder, POINT),
]


def _flow_schema(entrypoint: str) -> dict[str, Any]:
    module, _, name = entrypoint.rpartition(".")
    flow: Flow[..., Any] = getattr(import_module(module), name)
    return parameter_schema(flow).model_dump()


@cache
def _forms() -> dict[str, dict[str, Any]]:
    schemas = {entrypoint: _flow_schema(entrypoint) for entrypoint in ENTRYPOINTS}
    blocks: dict[Any, None] = dict.fromkeys(OURS)  # in one order: each process of the suite collects the same tests
    return (
        schemas
        | {block.__name__: block.model_json_schema() for block in blocks}
        | {"approval": Approval.model_json_schema()}
    )


def _objects(schema: object) -> Iterator[dict[str, dict[str, Any]]]:
    """The fields of every object anywhere in a schema."""
    if isinstance(schema, list):
        for each in schema:
            yield from _objects(each)
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema["properties"]
        for name, each in schema.items():
            if name not in ("examples", "default"):
                yield from _objects(each)


@pytest.mark.parametrize("form", _forms())
def test_every_field_of_every_form_has_its_position(form: str) -> None:
    """Postgres keeps a schema with its names sorted by length: without a position, End stands before Start."""
    for fields in _objects(_forms()[form]):
        as_kept = {name: fields[name] for name in sorted(fields, key=lambda name: (len(name), name))}
        shown = sorted(as_kept, key=lambda name: as_kept[name]["position"])
        assert shown == list(fields)
        assert [fields[name]["position"] for name in shown] == list(range(len(fields)))


def test_start_is_asked_for_before_end() -> None:
    window = AxelGlobeOrder.model_json_schema()["$defs"]["Window"]["properties"]
    assert window["start"]["position"] < window["end"]["position"]


@pytest.mark.parametrize(
    ("kind", "first"), [(AxelGlobeOrder, "area"), (IceyeOrder, "point"), (SatellogicOrder, "product")]
)
def test_an_order_begins_with_its_name_and_target_and_ends_with_its_blocks(kind: type[Order], first: str) -> None:
    names = list(kind.model_json_schema()["properties"])
    assert names[:2] == ["name", first]
    assert names[-2:] == ["archive", "account"]


@pytest.mark.parametrize(
    ("kind", "field"),
    [(AxelGlobeOrder, "area"), (IceyeOrder, "point"), (SatellogicOrder, "point"), (SatellogicOrder, "area")],
)
def test_a_target_opens_as_text(kind: type[Order], field: str) -> None:
    """The default UI opens the first kind and has no box for an object; the older one looks no further than here."""
    kinds = kind.model_json_schema()["properties"][field]["anyOf"]
    assert kinds[0]["type"] == "string"
    assert kinds[0]["examples"][0] in kinds[0]["description"]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order[0].provider)
def test_an_order_whose_empty_boxes_are_sent_as_the_form_shows_them_is_the_same_order(
    order: tuple[type[Order], dict[str, Any]],
) -> None:
    kind, fields = order
    shown = {
        name: field["default"] for name, field in kind.model_json_schema()["properties"].items() if "default" in field
    }
    assert shown["reference"] == ""
    assert order_from(kind, {**json.loads(json.dumps(shown)), **fields}) == order_from(kind, fields)


@pytest.mark.parametrize("form", _forms())
def test_no_box_is_named_by_a_type_of_python(form: str) -> None:
    for fields in _objects(_forms()[form]):
        for name, field in fields.items():
            kinds = field.get("anyOf", [])
            assert all("$ref" in kind or kind.get("title") or form[0].isupper() for kind in kinds), (name, kinds)


ACCOUNTS = (Path(__file__).parents[2] / "docs" / "how-to" / "set-up-accounts.md").read_text()
EXAMPLES = [code for code in re.findall(r"```python\n(.*?)```", ACCOUNTS, re.DOTALL) if ".save(" in code]


def test_the_blocks_of_the_documentation_can_be_saved_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second save under a name that is taken fails unless it says that it overwrites."""
    saved: list[str] = []

    def save(block: Block, name: str, overwrite: bool = False) -> None:
        assert overwrite
        saved.append(f"{block.get_block_type_slug()}/{name}")

    monkeypatch.setattr(Block, "save", save)
    for code in EXAMPLES:
        exec(compile(code, "set-up-accounts.md", "exec"), {})  # our own documentation
    assert sorted(saved) == [
        "axelglobe-tasking/default",
        "iceye-tasking/default",
        "image-archive/default",
        "order-ledger/default",
        "satellogic-tasking/default",
    ]


@pytest.mark.parametrize(
    ("kind", "given", "flow"),
    [*((kind, given, f"order_{kind.provider}") for kind, given in ORDERS), (AxelGlobeOrder, GOOD, "survey_site")],
)
def test_prefect_takes_every_field_of_an_order_that_is_started_again(
    kind: type[Order], given: dict[str, Any], flow: str
) -> None:
    """The watcher and the survey start runs with the whole order, the fields that are not in its form among them."""
    schema = _flow_schema(next(one for one in ENTRYPOINTS if one.endswith(f".{flow}")))
    more = {"site": "Bay"} if flow == "survey_site" else {}
    validate({"order": kind.model_validate(given).model_dump(mode="json"), **more}, schema)


def test_prefect_takes_an_order_for_several_accounts_that_is_started_again() -> None:
    """The watcher starts it with the whole order as the ledger has it."""
    orders = [{**given, "account": f"{kind.provider}-tasking/default"} for kind, given in ORDERS]
    wish = read_wish({"name": "Bay", "orders": orders, "mix_sensors": True, "reference": "bay"}, datetime.now(UTC))
    again = wish.model_dump(mode="json")
    assert read_wish(again, datetime.now(UTC)) == wish
    schema = _flow_schema("flows.order_anywhere.order_anywhere")
    validate({"order": again, "dry_run": False}, schema)

"""Writes the parts of the reference pages that are made from the code: ``make reference``.

A page keeps its own text. What stands between ``<!-- made: NAME -->`` and ``<!-- end -->`` is made anew. A test
compares the pages with what would be made, so a field that comes or goes shows itself.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import typer
import yaml
from prefect.blocks.core import Block
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

import blocks
from blocks.account import Account
from flows.cli import app
from tasking import errors
from tasking.budget import AccountBudget
from tasking.http.settings import HttpSettings
from tasking.order import Order
from tasking.price_list import PriceList
from tasking.simulator.switches import Switches
from tasking.status import StatusCode
from tasking.window import Window

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *sorted((ROOT / "docs" / "reference").glob("*.md")),
    *sorted((ROOT / "tasking" / "simulator").rglob("README.md")),
)
_MADE = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)
_NO_DEFAULT = "required"
FIELD = ("field", "in the form", "default", "meaning")


def orders() -> str:
    """Every field of every kind of order, in the order of its form."""
    return "\n\n".join(f"## {_title(kind)}\n\n{_of_order(kind)}" for kind in _kinds())


def status_words() -> str:
    """Every code of a request, with each provider's words for it."""
    tables = {_title(kind).removesuffix(" order"): _status_table(kind) for kind in _kinds()}
    rows = [
        (
            f"`{code}`",
            *(", ".join(word for word, known in table.items() if known is code) or "-" for table in tables.values()),
        )
        for code in StatusCode
    ]
    return _table(("code", *tables), rows)


def accounts() -> str:
    """Every field of the account blocks but those that all have in common."""
    found = (block for block in _blocks() if issubclass(block, Account))
    common = ("http", "budget", "price_list")
    return "\n\n".join(f"## {_title(block)}\n\n{_of_block(block, without=common)}" for block in found)


def limits_and_prices() -> str:
    """The fields below ``budget`` and ``price_list`` of every account block."""
    return _table(
        FIELD, _fields(AccountBudget.model_fields, "budget.") + _fields(PriceList.model_fields, "price_list.")
    )


def calls() -> str:
    """The fields below ``http`` of every account block."""
    return _table(FIELD, _fields(HttpSettings.model_fields, "http."))


def other_blocks() -> str:
    """Every field of the other blocks."""
    found = (block for block in _blocks() if not issubclass(block, Account))
    return "\n\n".join(f"## {_title(block)}\n\n{_of_block(block)}" for block in found)


def deployments() -> str:
    """The deployments of ``prefect.yaml``, and the parameters of their flows."""
    sections = []
    for one in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        flow: Flow[..., Any] = load_flow_from_entrypoint(one["entrypoint"])
        schedules = [_schedule(schedule) for schedule in one.get("schedules", ())]
        rows = [
            (f"`{name}`", _default(field), _sentence(field.get("description", "")) or "See [Orders](orders.md).")
            for name, field in parameter_schema(flow).properties.items()
        ]
        sections.append(
            f"## `{flow.name}/{one['name']}`\n\n"
            f"{' '.join([one['description'], *schedules])} Work pool `{one['work_pool']['name']}`.\n\n"
            + _table(("parameter", "default", "meaning"), rows)
        )
    return "\n\n".join(sections)


def commands() -> str:
    """Every command of ``tasking-flows`` with its arguments and options."""
    every = _leaves("tasking-flows", typer.main.get_command(app))
    return "\n\n".join(_of_command(name, command) for name, command in every)


def error_classes() -> str:
    """The tree of errors, as rows."""
    rows = [
        (f"`{kind.__name__}`", f"`{kind.__base__.__name__}`", "yes" if kind.retryable else "no", _first(kind))
        for kind in _tree(errors.TaskingError)
        if kind.__base__ is not None
    ]
    return _table(("class", "is a", "tried again", "meaning"), rows)


def switches() -> str:
    """The simulator's switches that all providers have."""
    return _switches(Switches)


def own_switches(name: str) -> str:
    """The switches of one simulated provider."""
    return _switches(importlib.import_module(f"tasking.simulator.{name}").Provider.switches_model)


PARTS: dict[str, Callable[[], str]] = {
    "orders": orders,
    "status-words": status_words,
    "accounts": accounts,
    "calls": calls,
    "limits-and-prices": limits_and_prices,
    "other-blocks": other_blocks,
    "deployments": deployments,
    "commands": commands,
    "errors": error_classes,
    "switches": switches,
    **{f"{name}-switches": partial(own_switches, name) for name in ("axelglobe", "iceye", "satellogic")},
}


def renewed(text: str) -> str:
    """A page with its made parts as the code has them now."""
    return _MADE.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}", text)


def _kinds() -> list[type[Order]]:
    """The product's kinds of orders, by the name of the provider."""
    deployments()  # the flows know them
    ours = [kind for kind in Order.__subclasses__() if kind.__module__.startswith("tasking.")]  # not those of tests
    return sorted(ours, key=lambda kind: kind.provider)


def _status_table(kind: type[Order]) -> dict[str, StatusCode]:
    table: dict[str, StatusCode] = importlib.import_module(f"tasking.{kind.provider}.conversions").STATUS
    return table


def _of_order(kind: type[Order]) -> str:
    shown = kind.model_json_schema()["properties"]
    names = [*shown, *(name for name in kind.model_fields if name not in shown)]
    rows: list[tuple[str, ...]] = []
    for name in names:
        field = kind.model_fields[name]
        if field.annotation is Window:
            rows += [(row[0], row[1], _either(row[2]), row[3]) for row in _fields(Window.model_fields, f"{name}.")]
            continue
        (row,) = _fields({name: field}, "")
        rows.append(row if name in shown else (row[0], "(not in the form)", *row[2:]))
    return _table(FIELD, rows)


def _either(default: str) -> str:
    """Each end of a window is said in one of two ways."""
    return "one of two ways" if default == _NO_DEFAULT else default


def _of_block(block: type[Block], without: Sequence[str] = ()) -> str:
    known = {
        name: field
        for name, field in block.model_fields.items()
        if name not in without and name not in Block.model_fields
    }
    said = _sentence(block._description or "")
    slug = block.get_block_type_slug()
    return f"Block type `{slug}`. {said}\n\n" + _table(FIELD, _fields(known, ""))


def _blocks() -> list[type[Block]]:
    found = []
    for module in pkgutil.iter_modules(blocks.__path__):
        members = vars(importlib.import_module(f"blocks.{module.name}")).values()
        found += [
            one
            for one in members
            if isinstance(one, type) and issubclass(one, Block) and one.__module__ == f"blocks.{module.name}"
        ]
    return [one for one in found if one is not Account]


def _fields(known: dict[str, FieldInfo], prefix: str) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, field in known.items():
        default = field.get_default()
        told = _NO_DEFAULT if field.is_required() else _value(default)
        if field.default_factory is not None:
            told = "(told beside it)"
        rows.append((f"`{prefix}{name}`", field.title or "", told, _sentence(field.description or "")))
    return rows


def _switches(kind: type[BaseModel]) -> str:
    rows = []
    for name, field in kind.model_fields.items():
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        rows.append((f"`{name}`", f"`{json.dumps(default)}`", field.description or ""))
    return _table(("switch", "default", "meaning"), rows)


def _schedule(schedule: dict[str, Any]) -> str:
    when = f"each {schedule['interval']} seconds" if "interval" in schedule else f"by `{schedule['cron']}`"
    return f"Runs {when}." if schedule.get("active", True) else f"Its schedule {when} is an example, and is off."


def _default(field: dict[str, Any]) -> str:
    return _value(field["default"]) if "default" in field else _NO_DEFAULT


def _value(value: object) -> str:
    if value is None or value in ("", (), [], {}):
        return "empty"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, SecretStr):
        return "(hidden)"
    if isinstance(value, float) and value.is_integer():
        return f"`{int(value)}`"
    return f"`{value}`"


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for part, one in below.items():
        yield from _leaves(f"{name} {part}", one)


def _of_command(name: str, command: Any) -> str:
    rows = []
    for one in command.params:
        is_argument = one.param_type_name == "argument"
        spelled = one.name.upper() if is_argument else ", ".join(one.opts)
        default = "" if one.default in (None, False) else f" Default: {one.default}."
        named = f" Or the environment variable {one.envvar}." if one.envvar else ""
        rows.append((f"`{spelled}`", f"{_sentence(one.help or '')}{default}{named}".strip()))
    table = "\n\n" + _table(("argument or option", "meaning"), rows) if rows else ""
    return f"## `{name}`\n\n{_sentence(command.help or '')}{table}"


def _tree(kind: type[errors.TaskingError]) -> Iterator[type[errors.TaskingError]]:
    yield kind
    for one in kind.__subclasses__():
        if one.__module__ == errors.__name__:
            yield from _tree(one)


def _first(kind: type) -> str:
    """The first paragraph of a docstring."""
    return " ".join((kind.__doc__ or "").strip().split("\n\n")[0].split())


def _title(kind: type[BaseModel]) -> str:
    if issubclass(kind, Block):
        return str(kind.get_block_type_name())
    return str(kind.model_config.get("title") or kind.__name__)


def _sentence(text: str) -> str:
    plain = " ".join(text.split()).replace("<", "\\<")
    return plain if not plain or plain.endswith((".", ")")) else f"{plain}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(renewed(page.read_text()))

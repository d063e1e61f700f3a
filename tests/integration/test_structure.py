"""Imports go one way, and never in a circle; providers do not know each other; the simulator is blind.

And tests cost what their folder says: those in ``tests/unit`` and ``tests/integration`` use neither the simulator nor a
Prefect server, and those in ``tests/unit`` do not even load Prefect.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROVIDERS = sorted({path.parent.name for path in (ROOT / "tasking").glob("*/provider.py")} - {"simulator"})
STAND_ON_IT = ("devstack", "demo", "chaos", "benchmarks", "tests")
ABOVE = {
    "tasking": ("prefect", "blocks", "tasks", "flows", *STAND_ON_IT),
    "blocks": ("tasks", "flows", *STAND_ON_IT),
    "tasks": ("flows", *STAND_ON_IT),
    "flows": STAND_ON_IT,
    "devstack": ("demo", "chaos", "benchmarks", "tests"),
}
SIMULATOR_MUST_NOT_KNOW = ("tasking.http", "tasking.clock", "tasking.provider", "tasking.order", "tasking.lifecycle")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in packages)


@pytest.mark.parametrize("layer", ABOVE)
def test_imports_go_one_way(layer: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in (ROOT / layer).rglob("*.py")
        for module in imports(path)
        if is_in(module, ABOVE[layer])
    }
    assert wrong == set()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_providers_do_not_know_each_other(provider: str) -> None:
    others = tuple(f"tasking.{each}" for each in PROVIDERS if each != provider)
    wrong = {m for path in (ROOT / "tasking" / provider).rglob("*.py") for m in imports(path) if is_in(m, others)}
    assert wrong == set()


def test_what_is_shared_knows_no_provider() -> None:
    ours = tuple(f"tasking.{each}" for each in PROVIDERS)
    shared = [
        path
        for path in (ROOT / "tasking").rglob("*.py")
        if path.relative_to(ROOT / "tasking").parts[0] not in (*PROVIDERS, "simulator")
    ]
    assert {f"{path}: {m}" for path in shared for m in imports(path) if is_in(m, (*ours, "tasking.simulator"))} == set()


def test_the_simulator_is_blind_to_the_clients() -> None:
    hidden = (*SIMULATOR_MUST_NOT_KNOW, *(f"tasking.{each}" for each in PROVIDERS))
    wrong = {m for path in (ROOT / "tasking" / "simulator").rglob("*.py") for m in imports(path) if is_in(m, hidden)}
    assert wrong == set()


def test_nothing_that_orders_knows_that_it_talks_to_a_simulator() -> None:
    wrong = {
        str(path.relative_to(ROOT))
        for folder in ("flows", "tasks", "blocks", "tasking")
        for path in (ROOT / folder).rglob("*.py")
        if "simulator" not in path.parts and "simulator" in "".join(imports(path))
    }
    assert wrong == set()


FIXTURES = re.compile(r"\b(simulator|installation|prefect_server): (?:Simulator|Installation|None)\b")
"""A test's arguments that only the other folders have."""


@pytest.mark.parametrize("folder", ["unit", "integration"])
def test_cheap_tests_use_no_simulator_and_no_prefect_server(folder: str) -> None:
    dear = ("tasking.simulator", "devstack", "demo")
    forbidden = (*dear, "prefect.testing.utilities", *_support_on(*dear))
    files = list((ROOT / "tests" / folder).glob("*.py"))
    wrong = {f"{path.name} imports {one}" for path in files for one in imports(path) if is_in(one, forbidden)}
    wrong |= {f"{path.name} asks for {one}" for path in files for one in FIXTURES.findall(path.read_text())}
    assert wrong == set()


def test_unit_tests_do_not_load_prefect() -> None:
    dear = ("prefect", "blocks", "tasks", "flows", "chaos")
    forbidden = (*dear, *_support_on(*dear))
    files = list((ROOT / "tests" / "unit").glob("*.py"))
    assert {f"{path.name} imports {m}" for path in files for m in imports(path) if is_in(m, forbidden)} == set()


def _support_on(*these: str) -> tuple[str, ...]:
    """What of ``tests/support`` stands on these, by itself or through another."""
    support = {f"tests.support.{path.stem}": imports(path) for path in (ROOT / "tests" / "support").glob("*.py")}
    found: tuple[str, ...] = ()
    while more := {one for one, those in support.items() if any(is_in(m, (*these, *found)) for m in those)} - {*found}:
        found += tuple(more)
    return found


def at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """All of a module but what is there for the type checker alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from at_run_time(child)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports within functions count as well: they only put the trouble off."""
    layers = ("flows", "tasks", "blocks", "tasking")
    paths = [path.relative_to(ROOT) for layer in layers for path in (ROOT / layer).rglob("*.py")]
    modules = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in paths}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        named: set[str] = set()
        for node in at_run_time(parsed(ROOT / path)):
            if isinstance(node, ast.Import):
                named |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{each.name}" for each in node.names}
                named |= inner & set(modules) or {node.module}
        graph[module] = (named & set(modules)) - {module}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"these import each other: {' <- '.join(circle.args[1])}")
    assert len(graph) > 150


@pytest.mark.parametrize(
    ("package", "name"), [("axelglobe", "AxelGlobe"), ("iceye", "Iceye"), ("satellogic", "Satellogic")]
)
def test_a_provider_is_imported_one_level_deep(package: str, name: str) -> None:
    module = import_module(f"tasking.{package}")
    assert [getattr(module, each).__name__ for each in module.__all__] == [name, f"{name}Order", f"{name}Settings"]
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        getattr(module, "Nothing")  # noqa: B009 # as a user's typing error is

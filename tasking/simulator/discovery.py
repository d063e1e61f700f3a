"""Where the providers are found: each in a folder of its own, or in a package that somebody else installed."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import ModuleType


def discover(package: str, group: str, *, folders_only: bool = False) -> dict[str, ModuleType]:
    """Modules by name, sorted: all of a package, and those that installed distributions name in an entry point group.

    Args:
        package: Its dotted name.
        group: Name of the entry point group; an entry is ``name = "dotted.module"``.
        folders_only: Leave out the package's modules that are a single file.
    """
    found = {
        one.name: f"{package}.{one.name}"
        for one in iter_modules(import_module(package).__path__)
        if one.ispkg or not folders_only
    }
    found |= {one.name: one.value for one in entry_points(group=group)}
    return {name: import_module(where) for name, where in sorted(found.items())}

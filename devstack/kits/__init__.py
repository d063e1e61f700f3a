"""The kits, one module a provider, which names its own ``KIT``; found here and in what other distributions bring."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules

from devstack.kit import Kit

_where = {one.name: f"{__name__}.{one.name}" for one in iter_modules(__path__)}
_where |= {one.name: one.value for one in entry_points(group="tasking_flows.kits")}

KITS: dict[str, Kit] = {name: import_module(_where[name]).KIT for name in sorted(_where)}
"""The kit of each provider that there is, by its name, sorted."""

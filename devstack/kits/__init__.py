"""The kits, one module a provider, which names its own ``KIT``; found here and in what other distributions bring."""

from __future__ import annotations

from devstack.kit import Kit
from tasking.simulator.discovery import discover

KITS: dict[str, Kit] = {name: module.KIT for name, module in discover(__package__, "tasking_flows.kits").items()}
"""The kit of each provider that there is, by its name, sorted."""

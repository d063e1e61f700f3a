"""Puts the simulator together: the providers, the control routes, and the front before them."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Any

from fastapi import FastAPI

from tasking.simulator.control import answer_bad_control, control_routes, provider_routes
from tasking.simulator.front import Front
from tasking.simulator.provider import SimulatedProvider
from tasking.simulator.world import Config, World

_where = {
    one.name: f"{__package__}.{one.name}" for one in iter_modules(import_module(__package__).__path__) if one.ispkg
}
_where |= {one.name: one.value for one in entry_points(group="tasking_flows.simulator")}

PROVIDERS: dict[str, type[SimulatedProvider[Any]]] = {
    name: import_module(_where[name]).Provider for name in sorted(_where)
}
"""The class of each provider that there is, by its name: each folder here, and what other distributions bring."""


class SimulatorApp(FastAPI):
    """The ASGI application; ``world`` and the providers, by name, are there for tests in the same process."""

    world: World
    providers: dict[str, SimulatedProvider[Any]]

    def close(self) -> None:
        """End what runs beside the calls, and give the state file back."""
        for provider in self.providers.values():
            provider.close()
        self.world.store.close()


def create_app(config: Config | None = None) -> SimulatorApp:
    """A simulator as an ASGI application.

    Faults that break the TCP connection need it to be served by `tasking.simulator.serve` or on the command line.

    Args:
        config: How it starts; the defaults when absent.
    """
    world = World(config or Config())
    app = SimulatorApp(
        title="Satellite tasking simulator", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.world, app.providers = world, {}
    app.include_router(control_routes(world))
    for name, kind in PROVIDERS.items():
        provider = app.providers[name] = kind(world)
        app.include_router(provider_routes(provider))
        provider.join(app)
    answer_bad_control(app)

    def front(inner: Any) -> Front:
        return Front(inner, world)

    app.add_middleware(front)
    return app

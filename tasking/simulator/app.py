"""Puts the simulator together: the providers, the control routes, and the front before them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from tasking.simulator.control import answer_bad_control, control_routes, provider_routes
from tasking.simulator.discovery import discover
from tasking.simulator.front import Front
from tasking.simulator.provider import SimulatedProvider
from tasking.simulator.world import Config, World

GROUP = "tasking_flows.simulator"
"""Entry points of other distributions: ``name = "package"``; it names its class ``Provider``, as our folders do."""

PROVIDERS: dict[str, type[SimulatedProvider[Any]]] = {
    name: module.Provider for name, module in discover(__package__, GROUP, folders_only=True).items()
}
"""The class of each provider that there is, by its name."""


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

"""Puts the simulator together: the providers, the control routes, and the front before them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from tasking.simulator.axelglobe.server import AxelGlobe
from tasking.simulator.control import answer_bad_control, control_routes
from tasking.simulator.front import Front
from tasking.simulator.iceye.server import Iceye
from tasking.simulator.satellogic.server import Satellogic
from tasking.simulator.world import Config, World


class SimulatorApp(FastAPI):
    """The ASGI application; ``world`` and the providers are there for tests in the same process."""

    world: World
    axelglobe: AxelGlobe
    iceye: Iceye
    satellogic: Satellogic


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
    app.world = world
    app.axelglobe = AxelGlobe(world)
    app.iceye = Iceye(world)
    app.include_router(control_routes(world))
    app.axelglobe.join(app)
    app.iceye.join(app)
    app.satellogic = Satellogic(world)
    app.satellogic.join(app)
    answer_bad_control(app)

    def front(inner: Any) -> Front:
        return Front(inner, world)

    app.add_middleware(front)
    return app

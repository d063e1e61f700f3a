"""The providers on localhost: stateful, fed from the providers' documents only, and blind to our own client.

Run it with ``python -m tasking.simulator --port 8600``, or within a test:

    with serve(start=datetime(2026, 12, 1, tzinfo=UTC), switches={"rate_limit_per_minute": 5}) as simulator:
        httpx.get(simulator.api_url)
"""

from __future__ import annotations

from tasking.simulator.app import create_app
from tasking.simulator.serving import Simulator, serve
from tasking.simulator.world import Config

__all__ = ["Config", "Simulator", "create_app", "serve"]

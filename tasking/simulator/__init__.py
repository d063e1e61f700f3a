"""The providers on localhost: stateful, fed from the providers' documents only, and blind to our own client.

Run it with ``python -m tasking.simulator --port 8600``, or within a test:

    with serve(start=datetime(2026, 12, 1, tzinfo=UTC), switches={"rate_limit_per_minute": 5}) as simulator:
        httpx.get(simulator.axelglobe.api_url)
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

try:
    if find_spec("rasterio") is None:  # it is imported with the first raster only
        raise ModuleNotFoundError(name="rasterio")
    from tasking.simulator.app import create_app
    from tasking.simulator.serving import Simulator, serve
    from tasking.simulator.world import Config
except ModuleNotFoundError as missing:
    if (missing.name or "").startswith("tasking"):
        raise
    said = (
        f"The simulator needs {missing.name}, which is not installed here. "
        "Install the extra of that name: pip install 'tasking-flows[simulator]'"
    )
    if sys.argv[:1] == ["-m"]:  # as a command: Python looks for the module whose name follows
        raise SystemExit(said) from None
    raise ModuleNotFoundError(said, name=missing.name) from None

__all__ = ["Config", "Simulator", "create_app", "serve"]

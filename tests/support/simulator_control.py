"""Calls to a simulator of a test, as a kit makes them."""

from __future__ import annotations

import httpx

from tasking.simulator import Simulator


def control(simulator: Simulator) -> httpx.Client:
    """A client for the simulator's own routes; close it after use."""
    # no certificates are loaded: the simulator speaks plain HTTP, and loading takes longer than most tests
    return httpx.Client(base_url=simulator.url, trust_env=False, verify=False, timeout=30)

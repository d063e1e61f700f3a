"""AxelGlobe on localhost, written from its documents."""

from tasking.simulator.axelglobe.server import AxelGlobe as Provider

__all__ = ["Provider"]

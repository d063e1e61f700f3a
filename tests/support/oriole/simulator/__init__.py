"""The simulated Oriole."""

from tests.support.oriole.simulator.server import Oriole as Provider

__all__ = ["Provider"]

"""Satellogic on localhost, written from its documents."""

from tasking.simulator.satellogic.server import Satellogic as Provider

__all__ = ["Provider"]

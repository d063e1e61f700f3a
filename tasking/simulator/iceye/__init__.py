"""ICEYE on localhost, written from its documents."""

from tasking.simulator.iceye.server import Iceye as Provider

__all__ = ["Provider"]

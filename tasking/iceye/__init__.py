"""ICEYE: radar images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasking.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from tasking.iceye.order import IceyeOrder
    from tasking.iceye.provider import Iceye
    from tasking.iceye.settings import IceyeSettings

__all__ = ["Iceye", "IceyeOrder", "IceyeSettings"]
__getattr__ = lazy_exports(__name__, {"Iceye": "provider", "IceyeOrder": "order", "IceyeSettings": "settings"})

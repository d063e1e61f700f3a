"""Satellogic: optical images by the NewSat satellites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasking.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from tasking.satellogic.order import SatellogicOrder
    from tasking.satellogic.provider import Satellogic
    from tasking.satellogic.settings import SatellogicSettings

__all__ = ["Satellogic", "SatellogicOrder", "SatellogicSettings"]
__getattr__ = lazy_exports(
    __name__, {"Satellogic": "provider", "SatellogicOrder": "order", "SatellogicSettings": "settings"}
)

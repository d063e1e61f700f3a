"""AxelGlobe (Axelspace): optical images by the GRUS satellites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasking.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from tasking.axelglobe.order import AxelGlobeOrder
    from tasking.axelglobe.provider import AxelGlobe
    from tasking.axelglobe.settings import AxelGlobeSettings

__all__ = ["AxelGlobe", "AxelGlobeOrder", "AxelGlobeSettings"]
__getattr__ = lazy_exports(
    __name__, {"AxelGlobe": "provider", "AxelGlobeOrder": "order", "AxelGlobeSettings": "settings"}
)

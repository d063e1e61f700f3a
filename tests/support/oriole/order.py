"""An order to Oriole."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, Field

from tasking.order import Order
from tasking.point import EXAMPLE, Point


class OrioleOrder(Order):
    """One new image around one point in one window; Oriole chooses the pass."""

    model_config = ConfigDict(
        title="Oriole order", json_schema_extra={"description": "One new image around one point."}
    )

    provider: ClassVar[str] = "oriole"
    target_field: ClassVar[str] = "point"

    point: Point = Field(title="Point", description="The middle of the image (WGS84).", examples=[EXAMPLE])
    account: str = Field(
        default="oriole-tasking/default",
        title="Account",
        description="The Oriole account block to order with, as type/name.",
    )

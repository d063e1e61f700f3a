"""An order to AxelGlobe: what its Task Plan and Task Request are made from.

Rules marked *documented* come from the provider's tasking documents (areas up to 250 km wide, windows up to two weeks);
the others are ours and say so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, WithJsonSchema, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from tasking.area import EXAMPLE, Area
from tasking.errors import InvalidOrder
from tasking.order import CoverageMinPercent, MaxCaptures, MaxDaysApart, Order
from tasking.window import iso

SATELLITES = ("GRUS-1A", "GRUS-1B", "GRUS-1C", "GRUS-1D", "GRUS-1E")
PRIORITIES = ("NORMAL", "EMERGENCY")
MAX_WIDTH_KM = 250.0
MAX_WINDOW = timedelta(days=14)
MAX_OFF_NADIR_DEG = 45.0
DEFAULT_OFF_NADIR_RANGE_DEG = (0.0, 30.0)

OffNadirRange = Annotated[
    tuple[float, float],
    WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
]


class AxelGlobeOrder(Order):
    """One new GRUS image of one area in one window.

    The area is at most 250 km wide (documented, for the minimum bounding box) and does not cross the 180° meridian (the
    provider takes one Polygon; see docs/decisions/0002-antimeridian.md). The window is at most 14 days (documented).
    View angles reach from 0 to 45 degrees off nadir, and 0 to 30 when nothing is asked for: both are ours, the document
    names no limit.
    """

    model_config = ConfigDict(
        title="AxelGlobe order",
        json_schema_extra={
            "description": "One new GRUS image of one area (at most 250 km wide) within at most 14 days."
        },
    )

    provider: ClassVar[str] = "axelglobe"

    area: Area = Field(
        title="Area",
        description="What to image: one polygon, longitude first (WGS84), as WKT or GeoJSON.",
        examples=[EXAMPLE],
    )
    off_nadir_max_deg: float | None = Field(
        default=None,
        title="Largest off-nadir angle",
        description=(
            "Degrees off nadir at most, above 0 and up to 45. Leave this and the range empty for 0 to 30. "
            "Smaller looks straighter down, larger gives more chances."
        ),
        examples=[20],
    )
    off_nadir_range_deg: OffNadirRange | None = Field(
        default=None,
        title="Off-nadir range",
        description="Smallest and largest angle off nadir in degrees, instead of the largest alone, e.g. [10, 25].",
        examples=[[0, 25]],
    )
    satellites: tuple[str, ...] = Field(
        default=(),
        title="Satellites",
        description=f"Which satellites may take the image, e.g. {SATELLITES[0]}. Leave it empty for all, new ones too.",
        examples=[list(SATELLITES[:2])],
    )
    priority: str = Field(
        default="NORMAL",
        title="Priority",
        description="The provider's priority word: NORMAL or EMERGENCY in its document; your contract may know others.",
    )
    coverage_min_percent: CoverageMinPercent = 90.0
    max_captures: MaxCaptures = 1
    max_days_apart: MaxDaysApart = None
    on_failure: SkipJsonSchema[Literal["next-candidate", "end"]] = Field(
        default="next-candidate",
        title="When a capture fails",
        description="AxelGlobe has no word for a failed capture: 'on_rejection' says what is done.",
    )
    account: str = Field(
        default="axelglobe-tasking/default",
        title="Account",
        description="The axelglobe-tasking block with the credentials, as type/name.",
    )

    @field_validator("satellites", mode="before")
    @classmethod
    def _upper_case(cls, value: object) -> object:
        if value is None:
            return ()
        if isinstance(value, list | tuple):
            return tuple(each.strip().upper() if isinstance(each, str) else each for each in value)
        return value

    @field_validator("satellites")
    @classmethod
    def _satellites_named_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(value):
            raise InvalidOrder("satellites", list(value), f"name each, e.g. {SATELLITES[0]}; none for all")
        if len(set(value)) < len(value):
            twice = sorted({each for each in value if value.count(each) > 1})
            raise InvalidOrder("satellites", list(value), f"name each satellite once; repeated: {', '.join(twice)}")
        return value

    @field_validator("priority")
    @classmethod
    def _priority_is_a_word(cls, value: str) -> str:
        value = value.strip()
        value = value.upper() if value.upper() in PRIORITIES else value
        if not 1 <= len(value) <= 40 or not value.isprintable():
            raise InvalidOrder("priority", value or "(empty)", "give one word, e.g. NORMAL or EMERGENCY")
        return value

    @field_validator("off_nadir_max_deg")
    @classmethod
    def _largest_in_range(cls, value: float | None) -> float | None:
        if value is not None and not 0 < value <= MAX_OFF_NADIR_DEG:
            raise InvalidOrder("off_nadir_max_deg", value, f"give degrees above 0 and up to {MAX_OFF_NADIR_DEG:g}")
        return value

    @field_validator("off_nadir_range_deg")
    @classmethod
    def _range_in_order(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not 0 <= value[0] < value[1] <= MAX_OFF_NADIR_DEG:
            raise InvalidOrder(
                "off_nadir_range_deg",
                list(value),
                f"give [smallest, largest] in degrees, the smaller first, within 0..{MAX_OFF_NADIR_DEG:g}",
            )
        return value

    @model_validator(mode="after")
    def _one_way_to_say_off_nadir(self) -> AxelGlobeOrder:
        if self.off_nadir_max_deg is not None and self.off_nadir_range_deg is not None:
            raise InvalidOrder(
                "off_nadir_range_deg",
                list(self.off_nadir_range_deg),
                f"off_nadir_max_deg ({self.off_nadir_max_deg:g}) is given as well; keep one of the two",
            )
        return self

    @model_validator(mode="after")
    def _documented_limits(self) -> AxelGlobeOrder:
        if self.window.length > MAX_WINDOW:
            days = self.window.length / timedelta(days=1)
            raise InvalidOrder(
                "window.end",
                iso(self.window.end),
                f"the window is {days:.1f} days long and AxelGlobe takes at most {MAX_WINDOW.days}; "
                f"end it by {iso(self.window.start + MAX_WINDOW)}",
            )
        if self.area.width_km > MAX_WIDTH_KM:
            raise InvalidOrder(
                "area",
                f"{self.area.width_km:.0f} km wide",
                f"AxelGlobe takes areas up to {MAX_WIDTH_KM:.0f} km wide; order it in parts",
            )
        if self.area.crosses_antimeridian:
            parts = " and ".join(part.wkt for part in self.area.parts())
            raise InvalidOrder(
                "area", "crosses the 180° meridian", f"AxelGlobe takes one polygon; place one order for each of {parts}"
            )
        return self

    @property
    def priority_word(self) -> str:
        """The priority."""
        return self.priority

    @property
    def least_coverage_percent(self) -> float:
        """Least share of the area that may be bought, 0..100."""
        return self.coverage_min_percent

    @property
    def most_captures(self) -> int:
        """How many captures may be requested for the area."""
        return self.max_captures

    @property
    def most_days_apart(self) -> float | None:
        """How many days they may lie apart at most."""
        return self.max_days_apart

    @property
    def off_nadir_range(self) -> tuple[float, float]:
        """Smallest and largest angle off nadir to ask for, degrees."""
        if self.off_nadir_range_deg is not None:
            return self.off_nadir_range_deg
        if self.off_nadir_max_deg is not None:
            return (0.0, self.off_nadir_max_deg)
        return DEFAULT_OFF_NADIR_RANGE_DEG

"""An order to Satellogic: what its analysis and its task are made from.

What a product takes comes from the provider's introduction ('Tasks and products', 'Task Statuses').
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from tasking.area import EXAMPLE as AREA_EXAMPLE
from tasking.area import Area
from tasking.display_text import display_text
from tasking.errors import InvalidOrder
from tasking.order import Order, Policy
from tasking.point import EXAMPLE as POINT_EXAMPLE
from tasking.point import Point

FOOTPRINT_KM = 5.0
"""Side of the square that a point order images at least ('Tasks and products': 5x5 km, 5x10 km, ... by contract)."""
MOST_CAPTURES = 1000
_KM_PER_DEGREE = 111.32


def _range(smallest: float | None, largest: float | None) -> tuple[float, float] | None:
    if smallest is None and largest is None:
        return None
    return (0.0 if smallest is None else smallest, 90.0 if largest is None else largest)


class SatellogicOrder(Order):
    """One task: an image of a point or an area, or a series of images of a point.

    A point order is one capture, or as many as ``max_captures`` says, or a recurring one (``expected_age_days``). An
    area is covered in strips on different days. Rush is a matter of the contract that the account block names.
    """

    model_config = ConfigDict(
        title="Satellogic order",
        json_schema_extra={"description": "A new image (or a series) of a point or an area by Satellogic."},
    )

    provider: ClassVar[str] = "satellogic"
    target_field: ClassVar[str] = "point"
    target_fields: ClassVar[tuple[str, ...]] = ("product", "point", "area")

    point: Point | None = Field(
        default=None,
        title="Point",
        description="What to image with the products 'point' and 'rush': the middle of the footprint.",
        examples=[POINT_EXAMPLE],
    )
    area: Area | None = Field(
        default=None,
        title="Area",
        description="What to cover with the product 'area': one polygon, longitude first (WGS84), as WKT or GeoJSON.",
        examples=[AREA_EXAMPLE],
    )
    product: Literal["point", "area", "rush"] = Field(
        default="point",
        title="Product",
        description=(
            "'point': standard tasking of a point. 'area': a polygon, covered in strips on different days. 'rush': a "
            "point with priority; the account's contract must be a rush contract."
        ),
    )
    max_captures: int = Field(
        default=1,
        title="Captures",
        description="How many captures of a point are wanted; each is delivered as soon as it is published.",
        json_schema_extra={"minimum": 1, "maximum": MOST_CAPTURES},
    )
    expected_age_days: float | None = Field(
        default=None,
        title="Recurrence",
        description="A new capture of a point every so many days until the window ends; 0.5 is twice a day.",
        examples=[7],
    )
    coverage_min_percent: float = Field(
        default=90.0,
        ge=0,
        le=100,
        title="Least coverage (%)",
        description=(
            "Of areas: where Satellogic tells what can be covered, nothing is ordered below this. It seldom tells "
            "before, so the end says how much came home, and whether that is less. No effect for points."
        ),
    )
    project_name: str = Field(
        default="",
        title="Project",
        description="Groups tasks at Satellogic. Left empty: the site, else the order's name.",
    )
    narrow: bool = Field(
        default=False,
        title="Order one opportunity only",
        description=(
            "Off: the whole window is ordered, as Satellogic recommends. It picks the pass, and tries again after "
            "clouds or a failure until the window ends. On: a single capture of a point is ordered for one "
            "opportunity of an analysis, with ten minutes of margin on each side; clouds then end that try."
        ),
    )
    select: Policy = Field(
        default="best-coverage",
        title="Choose by",
        description=(
            "Which opportunity is ordered, where only one is: with 'Order one opportunity only' or with a limit below. "
            "All but 'best-coverage' choose among those that cover nearly as much as the best one."
        ),
    )
    on_rejection: SkipJsonSchema[Literal["wait", "next-candidate"]] = Field(
        default="wait",
        title="When the provider rejects the request",
        description="Leave it at 'wait': Satellogic rejects for good, so 'on_failure' says what is done then.",
    )
    off_nadir_min_deg: float | None = Field(
        default=None,
        title="Smallest off-nadir angle (degrees)",
        description="Of the opportunity that is ordered; as the largest one.",
        examples=[0],
    )
    off_nadir_max_deg: float | None = Field(
        default=None,
        title="Largest off-nadir angle (degrees)",
        description=(
            "Of the opportunity that is ordered: smaller looks straighter down, larger gives more chances. A limit "
            "orders one opportunity only, because Satellogic publishes no such field of a task."
        ),
        examples=[20],
    )
    sun_elevation_min_deg: float | None = Field(
        default=None,
        title="Lowest sun (degrees)",
        description="Least elevation of the sun above the horizon. It orders one opportunity only, as above.",
        examples=[25],
    )
    sun_elevation_max_deg: float | None = Field(
        default=None,
        title="Highest sun (degrees)",
        description="Largest elevation of the sun above the horizon. It orders one opportunity only, as above.",
        examples=[60],
    )
    analysis: Literal["none", "opportunities", "can-add"] | None = Field(
        default=None,
        title="Analysis",
        description=(
            "What Satellogic is asked before it is ordered; free. 'opportunities': which passes are possible. "
            "'can-add': which are left beside what others have ordered. 'none': nothing. Left empty: as the account "
            "says. Where it is not to be had, a whole window is ordered without, and the run says so."
        ),
    )
    account: str = Field(
        default="satellogic-tasking/default",
        title="Account",
        description="The satellogic-tasking block with the credentials and the contract, as type/name.",
    )

    @field_validator("point", "area", mode="before")
    @classmethod
    def _empty_target_is_none(cls, value: object) -> object:
        """A form sends an empty text or object for a target that was left alone."""
        return None if value in ("", {}) or (isinstance(value, str) and not value.strip()) else value

    @field_validator("product", mode="before")
    @classmethod
    def _can_be_ordered(cls, value: object) -> object:
        if value == "nei":
            raise InvalidOrder(
                "product",
                value,
                "non-Earth imaging cannot be ordered from here: Satellogic does not publish what such a task holds; "
                "ask your account manager, or choose 'point', 'area' or 'rush'",
            )
        return value

    @field_validator("max_captures")
    @classmethod
    def _some_captures(cls, value: int) -> int:
        if not 1 <= value <= MOST_CAPTURES:
            raise InvalidOrder("max_captures", value, f"give a number from 1 to {MOST_CAPTURES}")
        return value

    @field_validator(
        "expected_age_days",
        "off_nadir_min_deg",
        "off_nadir_max_deg",
        "sun_elevation_min_deg",
        "sun_elevation_max_deg",
        "analysis",
        mode="before",
    )
    @classmethod
    def _left_empty(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("off_nadir_min_deg", "off_nadir_max_deg", "sun_elevation_min_deg", "sun_elevation_max_deg")
    @classmethod
    def _an_angle(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and not 0 <= value <= 90:
            raise InvalidOrder(info.field_name or "angle", value, "give degrees from 0 to 90")
        return value

    @field_validator("expected_age_days")
    @classmethod
    def _an_age(cls, value: float | None) -> float | None:
        if value is not None and not (math.isfinite(value) and 1 / 24 <= value <= 366):
            raise InvalidOrder("expected_age_days", value, "give days between captures, from an hour (0.042) to 366")
        return value

    @field_validator("project_name")
    @classmethod
    def _project_can_be_shown(cls, value: str) -> str:
        return display_text("project_name", value, 100) if value.strip() else ""

    @model_validator(mode="after")
    def _target_fits_the_product(self) -> SatellogicOrder:
        right, wrong = ("area", "point") if self.product == "area" else ("point", "area")
        if getattr(self, wrong) is not None:
            an = "an area" if right == "area" else "a point"
            others = "'area'" if wrong == "area" else "'point' or 'rush'"
            raise InvalidOrder(
                wrong, "(given)", f"product '{self.product}' takes {an}: leave this out, or order product {others}"
            )
        if getattr(self, right) is None:
            example = AREA_EXAMPLE if right == "area" else POINT_EXAMPLE
            raise InvalidOrder(right, "(missing)", f"product '{self.product}' needs it; give e.g. {example}")
        if self.area is not None and self.area.crosses_antimeridian:
            parts = " and ".join(part.wkt for part in self.area.parts())
            raise InvalidOrder(
                "area",
                "crosses the 180° meridian",
                f"Satellogic takes one polygon; place one order for each of {parts}",
            )
        return self

    @model_validator(mode="after")
    def _series_are_of_points(self) -> SatellogicOrder:
        if self.product == "area" and self.max_captures > 1:
            raise InvalidOrder(
                "max_captures", self.max_captures, "an area is covered once; leave this out, or order again for more"
            )
        if self.product == "area" and self.expected_age_days is not None:
            raise InvalidOrder(
                "expected_age_days",
                self.expected_age_days,
                "only points recur; leave this out, or order again",
            )
        if self.expected_age_days is not None and timedelta(days=self.expected_age_days) > self.window.length:
            days = self.window.length / timedelta(days=1)
            raise InvalidOrder(
                "expected_age_days",
                self.expected_age_days,
                f"the window is {days:.1f} days long, so nothing would recur; give less, or a longer window",
            )
        return self

    @model_validator(mode="after")
    def _limits_can_be_kept(self) -> SatellogicOrder:
        for name, bounds in (
            ("off_nadir_max_deg", self.off_nadir_range),
            ("sun_elevation_max_deg", self.sun_elevation_range),
        ):
            if bounds is not None and bounds[0] >= bounds[1]:
                smallest = name.replace("max", "min")
                raise InvalidOrder(name, bounds[1], f"{smallest} is {bounds[0]:g}; give more than that")
        if self._limits and not self._is_one_capture:
            raise InvalidOrder(
                self._limits[0],
                getattr(self, self._limits[0]),
                "only a single capture of a point can be ordered within a limit: Satellogic picks the passes of areas "
                "and series, and publishes no field for it; leave this out",
            )
        if self.narrowed and self.analysis == "none":
            raise InvalidOrder(
                "analysis",
                "none",
                f"{self.wish} needs the opportunities of an analysis; choose another, or leave it out",
            )
        return self

    @property
    def _limits(self) -> list[str]:
        names = ("off_nadir_min_deg", "off_nadir_max_deg", "sun_elevation_min_deg", "sun_elevation_max_deg")
        return [name for name in names if getattr(self, name) is not None]

    @property
    def _is_one_capture(self) -> bool:
        return self.point is not None and self.max_captures == 1 and self.expected_age_days is None

    @property
    def off_nadir_range(self) -> tuple[float, float] | None:
        """Smallest and largest angle off nadir that may be chosen, degrees; ``None`` without a limit."""
        return _range(self.off_nadir_min_deg, self.off_nadir_max_deg)

    @property
    def sun_elevation_range(self) -> tuple[float, float] | None:
        """Lowest and highest sun that may be chosen, degrees; ``None`` without a limit."""
        return _range(self.sun_elevation_min_deg, self.sun_elevation_max_deg)

    @property
    def target(self) -> dict[str, Any]:
        """What the task is sent with: a GeoJSON Point or Polygon."""
        target = self.area if self.point is None else self.point
        assert target is not None, "checked when it was made"
        return target.geometry

    @property
    def least_coverage_percent(self) -> float | None:
        """Least share of the area that is asked for, 0..100; ``None`` for points."""
        return self.coverage_min_percent if self.area is not None else None

    @property
    def footprint(self) -> dict[str, Any]:
        """What to image as a GeoJSON Polygon: the area, or the smallest footprint of 5 by 5 km around the point."""
        if self.point is None:
            return self.target
        north = FOOTPRINT_KM / 2 / _KM_PER_DEGREE
        east = min(north / max(math.cos(math.radians(self.point.lat)), 1e-3), 10.0)
        west, right = self.point.lon - east, self.point.lon + east
        south, top = max(self.point.lat - north, -90.0), min(self.point.lat + north, 90.0)
        if west < -180:  # one piece, with longitudes above 180, as areas across the meridian are held
            west, right = west + 360, right + 360
        return {
            "type": "Polygon",
            "coordinates": [[[west, south], [right, south], [right, top], [west, top], [west, south]]],
        }

    @property
    def narrowed(self) -> bool:
        """Whether the task's window is that of one chosen opportunity: wished, or the only way to keep a limit."""
        return self._is_one_capture and (self.narrow or bool(self._limits))

    @property
    def wish(self) -> str:
        """What makes the order one for a single opportunity, as the fields are called."""
        return "narrow" if self.narrow else " and ".join(self._limits)

    @property
    def priority_word(self) -> str:
        """The product: rush orders have prices of their own."""
        return self.product

    @property
    def captures_per_request(self) -> int:
        """``max_captures``; of a recurring order one for each recurrence in the window, and one at its start. Ours."""
        if self.expected_age_days is None:
            return self.max_captures
        return int(self.window.length / timedelta(days=self.expected_age_days)) + 1

    @property
    def expected_age(self) -> str | None:
        """The recurrence as Satellogic writes it: ``7 days, 00:00:00``; ``None`` without one."""
        if self.expected_age_days is None:
            return None
        seconds = round(self.expected_age_days * 86400)
        days, rest = divmod(seconds, 86400)
        return f"{days} days, {rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"

    @property
    def project(self) -> str:
        """The project's name at Satellogic."""
        return self.project_name or self.site or self.name

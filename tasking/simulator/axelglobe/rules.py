"""What AxelGlobe asks of a plan: name, area, window and view. The figures are switches."""

from __future__ import annotations

import math
from typing import Any

import shapely

from tasking.simulator.area import geometry, size_km
from tasking.simulator.axelglobe.switches import AxelGlobeSwitches
from tasking.simulator.clock import read_time
from tasking.simulator.features import Json
from tasking.simulator.problem import Problem


def check_name(properties: Json, switches: AxelGlobeSwitches) -> str:
    """The ``name`` of a plan or request; raises `Problem` 400."""
    name = properties.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Problem(400, "properties.name: a text is required")
    if len(name) > switches.name_max_length:
        raise Problem(400, f"properties.name: at most {switches.name_max_length} characters")
    return name


def _numbers(value: Any) -> list[tuple[float, float]]:
    """All positions of a coordinates array; raises `Problem` 400 for anything that is not one."""
    if isinstance(value, list) and value and all(isinstance(part, list) for part in value):
        return [position for part in value for position in _numbers(part)]
    if (
        isinstance(value, list)
        and len(value) in (2, 3)
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in value)
        and all(math.isfinite(number) for number in value)
    ):
        return [(value[0], value[1])]
    raise Problem(400, "geometry.coordinates: positions of two numbers are required")


def check_area(area: Json, switches: AxelGlobeSwitches) -> Json:
    """The AOI of a plan; raises `Problem` 400."""
    kinds = ("Polygon", "MultiPolygon") if switches.multipolygon_allowed else ("Polygon",)
    if area.get("type") not in kinds:
        raise Problem(400, f"geometry.type: must be {' or '.join(kinds)}")
    positions = _numbers(area.get("coordinates"))
    for lon, lat in positions:
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise Problem(400, f"geometry.coordinates: {lon}, {lat} is outside longitude -180..180, latitude -90..90")
    if len(positions) > switches.max_vertices:
        raise Problem(400, f"geometry.coordinates: at most {switches.max_vertices} positions")
    polygons = [area["coordinates"]] if area["type"] == "Polygon" else area["coordinates"]
    for ring in (ring for polygon in polygons for ring in polygon):
        if not isinstance(ring[0], list) or len(ring) < 4 or ring[0] != ring[-1]:
            raise Problem(400, "geometry.coordinates: a ring has four or more positions, the last like the first")
    try:
        shaped = geometry({"type": area["type"], "coordinates": area["coordinates"]})
    except (ValueError, TypeError, IndexError, shapely.errors.ShapelyError) as error:
        raise Problem(400, f"geometry: {error}") from error
    if not shaped.is_valid or shaped.area == 0:
        raise Problem(400, f"geometry: {shapely.is_valid_reason(shaped)}, area {shaped.area:g}")
    width, height = size_km(shaped)
    if width > switches.aoi_max_width_km or height > switches.aoi_max_height_km:
        raise Problem(
            400,
            f"geometry: the bounding box is {width:.1f} km wide and {height:.1f} km high; "
            f"at most {switches.aoi_max_width_km:g} and {switches.aoi_max_height_km:g}",
        )
    return {"type": area["type"], "coordinates": area["coordinates"]}


def check_window(properties: Json, now: float, switches: AxelGlobeSwitches) -> tuple[float, float]:
    """The TOI of a plan, seconds since 1970; raises `Problem` 400."""
    times = []
    for name in ("valid_start", "valid_end"):
        value = properties.get(name)
        try:
            times.append(read_time(value if isinstance(value, str) else ""))
        except ValueError as error:
            raise Problem(400, f"properties.{name}: an RFC 3339 date-time with an offset is required") from error
    start, end = times
    if start >= end:
        raise Problem(400, "properties.valid_end: must be after valid_start")
    if end <= now or (start < now and not switches.toi_start_past_allowed):
        raise Problem(400, "properties: the time of interest lies in the past")
    if end - start > switches.toi_max_days * 86400:
        raise Problem(400, f"properties: the time of interest is longer than {switches.toi_max_days:g} days")
    if start > now + switches.toi_max_lead_days * 86400:
        raise Problem(400, f"properties.valid_start: more than {switches.toi_max_lead_days:g} days ahead")
    return start, end


def check_view(properties: Json, names: list[str], switches: AxelGlobeSwitches) -> tuple[list[float], list[str]]:
    """The off-nadir range and the satellites of a plan; raises `Problem` 400."""
    angles: Any = properties.get("off_nadir_range")
    satellites: Any = properties.get("satellites")
    if switches.plan_defaults_allowed:
        angles = [0, switches.off_nadir_max_deg] if angles is None else angles
        satellites = names if satellites is None else satellites
    if "satellites" not in properties and not switches.satellites_required:
        satellites = names
    if (
        not isinstance(angles, list)
        or len(angles) != 2
        or not all(isinstance(angle, int | float) and not isinstance(angle, bool) for angle in angles)
        or not 0 <= angles[0] <= angles[1] <= switches.off_nadir_max_deg
    ):
        raise Problem(400, f"properties.off_nadir_range: two rising numbers in 0..{switches.off_nadir_max_deg:g}")
    if not isinstance(satellites, list) or not satellites or len(set(map(str, satellites))) != len(satellites):
        raise Problem(400, "properties.satellites: a list of different names is required")
    for name in satellites:
        if name not in names:
            raise Problem(400, f"properties.satellites: {name!r} is not one of {', '.join(names)}")
    return angles, satellites

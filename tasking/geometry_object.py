"""From whatever holds a geometry (text, GeoJSON, an object of shapely or geopandas) to its GeoJSON object."""

from __future__ import annotations

from typing import Any

from tasking.geometry_text import geometry_from
from tasking.reference_system import refuse_other_system


def geometry_object(value: object, field: str, kinds: str, empty: str) -> object:
    """One layer unwrapped: the object that text means, or that an object of another library stands for.

    The reference system that it names at this layer is checked; call this again for each Feature and geometry inside.

    Args:
        value: What was written.
        field: Its place, for the refusal.
        kinds: What would be right, as an instruction.
        empty: What would be right when the geometry is empty.

    Raises:
        InvalidOrder: Unreadable text, or another reference system than WGS84.
    """
    if isinstance(value, str):
        value = geometry_from(value, field, kinds, empty)
        if isinstance(value, str):  # JSON text of a text
            value = geometry_from(value, field, kinds, empty)
    if not isinstance(value, dict) and hasattr(value, "__geo_interface__"):
        value, named = value.__geo_interface__, _system_of(value)
        refuse_other_system(named, f"{field}.crs", value)
    if isinstance(value, dict) and "crs" in value:
        refuse_other_system(value["crs"], f"{field}.crs", value)
    return value


def _system_of(value: Any) -> object:
    """What geopandas and shapely keep beside the coordinates; ``None`` when nothing is kept."""
    if getattr(value, "crs", None) is not None:
        return value.crs
    import shapely

    return int(shapely.get_srid(value)) or None if isinstance(value, shapely.Geometry) else None

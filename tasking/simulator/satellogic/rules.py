"""What Satellogic asks of a task, and so of an analysis: the payload of both is the same."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

import shapely

from tasking.simulator.area import geometry
from tasking.simulator.features import Json
from tasking.simulator.satellogic.answers import Refusal
from tasking.simulator.satellogic.switches import SatellogicSwitches

POINT, AREA, NEI = 169, 178, 186
PRODUCTS = {POINT: ("Multispectral 70cm", False), AREA: ("Area Coverage 70cm", True)}
_REQUIRED = "This field is required."
_KNOWN = {"task_name", "project_name", "product", "target", "start", "end", "max_captures", "expected_age"}
_AGE = re.compile(r"(?:(\d{1,4}) days?, )?(\d{1,2}):(\d\d):(\d\d)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?")


def read_task(sent: Json, now: float, switches: SatellogicSwitches, longest_name: int) -> Json:
    """A task's payload as facts: names, product, target, start and end in seconds since 1970, how often.

    Raises:
        Refusal: 400, with every field that is wrong.
    """
    sent = dict(sent)
    if switches.product_field == "alias" and "product" not in sent and "product_id" in sent:
        sent["product"] = sent.pop("product_id")
    wrong: dict[str, list[str]] = {}
    facts: Json = {"expected_age": None, "max_captures": None}

    def read(name: str, reader: Any) -> None:
        if name not in sent or sent[name] is None:
            if name not in ("max_captures", "expected_age"):
                wrong[name] = [_REQUIRED]
            return
        try:
            facts[name] = reader(sent[name])
        except ValueError as error:
            wrong[name] = [str(error)]

    for name in ("task_name", "project_name"):
        read(name, lambda value: _name(value, longest_name))
    read("product", _product)
    read("start", _time)
    read("end", _time)
    read("target", lambda value: _target(value, facts.get("product")))
    read("max_captures", _count)
    read("expected_age", _age)
    if switches.unknown_fields == "refuse":
        wrong |= {name: ["Unknown field."] for name in sent.keys() - _KNOWN}
    if facts.get("product") == AREA:
        for name in ("max_captures", "expected_age"):
            if facts[name] is not None:
                wrong[name] = ["Only for tasks with a point."]
    if not wrong:
        wrong |= _window(facts["start"], facts["end"], now, switches.window_max_days)
    if wrong:
        raise Refusal(400, wrong)
    return {**facts, "expected_age_text": sent.get("expected_age")}


def _name(value: Any, longest: int) -> str:
    if not isinstance(value, str):
        raise ValueError("Not a valid string.")
    if not value.strip():
        raise ValueError("This field may not be blank.")
    if len(value) > longest:
        raise ValueError(f"Ensure this field has no more than {longest} characters.")
    return value


def _product(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"Incorrect type. Expected pk value, received {type(value).__name__}.")
    if value == NEI:
        raise ValueError("The payload of product 186 (non-Earth imaging) is not served here: it is not published.")
    if value not in PRODUCTS:
        raise ValueError(f'Invalid pk "{value}" - object does not exist.')
    return value


def _time(value: Any) -> float:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("Datetime has wrong format. Use ISO 8601.")
    read = datetime.fromisoformat(value.upper())
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _window(start: float, end: float, now: float, most_days: float) -> dict[str, list[str]]:
    if end <= start:
        return {"end": ["The end must be after the start."]}
    if end <= now:
        return {"end": ["The collection window has already ended."]}
    if end - start > most_days * 86400:
        return {"end": [f"The collection window is longer than {most_days:g} days."]}
    return {}


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("A valid integer is required.")
    if value < 1:
        raise ValueError("Ensure this value is greater than or equal to 1.")
    return value


def _age(value: Any) -> int:
    found = _AGE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("Duration has wrong format. Use: N days, HH:MM:SS.")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    age = days * 86400 + hours * 3600 + minutes * 60 + seconds
    if hours > 23 or minutes > 59 or seconds > 59 or age < 3600:
        raise ValueError("Ensure this duration is at least an hour, with hours to 23, minutes and seconds to 59.")
    return age


def _position(value: Any) -> list[float]:
    numbers: list[Any] = value if isinstance(value, list) and len(value) in (2, 3) else [None]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in numbers):
        raise ValueError("A position is two or three numbers.")
    if not (-180 <= numbers[0] <= 180 and -90 <= numbers[1] <= 90):
        raise ValueError("A position lies outside longitude -180..180, latitude -90..90.")
    return [float(numbers[0]), float(numbers[1])]


def _target(value: Any, product: int | None) -> Json:
    if not isinstance(value, dict) or value.get("type") not in ("Point", "Polygon"):
        raise ValueError("A GeoJSON Point or Polygon is required.")
    needed = {POINT: "Point", AREA: "Polygon"}.get(product or 0, value["type"])
    if value["type"] != needed:
        raise ValueError(f"Product {product} needs a {needed}.")
    if value["type"] == "Point":
        return {"type": "Point", "coordinates": _position(value.get("coordinates"))}
    rings = value.get("coordinates")
    if not isinstance(rings, list) or not rings or not all(isinstance(ring, list) for ring in rings):
        raise ValueError("A Polygon has rings of positions.")
    read = [[_position(position) for position in ring] for ring in rings]
    if any(len(ring) < 4 or ring[0] != ring[-1] for ring in read):
        raise ValueError("A ring has four or more positions, the last like the first.")
    shaped = geometry({"type": "Polygon", "coordinates": read})
    if not shaped.is_valid or shaped.area == 0:
        raise ValueError(f"The Polygon is not valid: {shapely.is_valid_reason(shaped)}.")
    return {"type": "Polygon", "coordinates": read}

"""What ICEYE accepts as a task: the published OpenAPI text, strictly, then the contract, then the rules on time."""

from __future__ import annotations

import math
from typing import Any

from tasking.simulator.clock import read_time
from tasking.simulator.iceye.calls import Json, Refusal, is_uuid
from tasking.simulator.iceye.modes import MODES, PRODUCT_TYPES, Mode, price
from tasking.simulator.iceye.switches import IceyeSwitches

Fact = dict[str, Any]
REQUIRED = ("contractID", "imagingMode", "pointOfInterest", "acquisitionWindow")
_OPTIONAL = (
    "reference",
    "exclusivity",
    "priority",
    "sla",
    "incidenceAngle",
    "lookSide",
    "passDirection",
    "productTypes",
    "eula",
    "notifications",
    "deliveries",
)
_WORDS = {
    "exclusivity": ("PRIVATE", "PUBLIC"),
    "priority": ("BACKGROUND", "COMMERCIAL"),
    "lookSide": ("LEFT", "RIGHT", "ANY"),
    "passDirection": ("ASCENDING", "DESCENDING", "ANY"),
    "eula": ("STANDARD", "GOVERNMENT", "MULTI"),
}
_FULL_INCIDENCE = (10, 45)
# A choice of the contract, and what is taken when the contract says nothing about it.
_CHOICES = (("exclusivity", "PRIVATE"), ("priority", "COMMERCIAL"), ("sla", "SLA_8H"), ("eula", "STANDARD"))


def mode_named(name: str) -> Mode:
    """A mode; a name that only a contract knows is imaged as a strip."""
    return MODES.get(name, MODES["STRIPMAP"])


def _object(value: Any, name: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Json:
    if not isinstance(value, dict):
        raise Refusal(400, f"{name}: an object is required")
    dot = f"{name}." if name != "task" else ""
    for key in value.keys() - {*required, *optional}:
        raise Refusal(400, f"{dot}{key}: unknown field")
    for key in required:
        if key not in value:
            raise Refusal(400, f"{dot}{key}: is required")
    return value


def _number(value: Any, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise Refusal(400, f"{name}: must be a number in {low:g}..{high:g}")
    return float(value)


def _whole(value: Any, name: str, low: int, high: int) -> int:
    number = _number(value, name, low, high)
    if not number.is_integer():
        raise Refusal(400, f"{name}: must be a whole number")
    return int(number)


def _texts(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise Refusal(400, f"{name}: must be text")
    return value


def check_shape(body: Any, switches: IceyeSwitches) -> Json:
    """A task request that has the published shape; raises `Refusal` 400."""
    duration = ("imagingDuration",) if switches.imaging_duration_allowed else ()
    task = _object(body, "task", REQUIRED, (*_OPTIONAL, *duration))
    for name in task.keys() & {"imagingMode", "sla", "reference"}:
        _texts(task[name], name)
    for name in task.keys() & _WORDS.keys():
        if task[name] not in _WORDS[name]:
            raise Refusal(400, f"{name}: must be one of {', '.join(_WORDS[name])}")
    if not is_uuid(task["contractID"]):
        raise Refusal(400, "contractID: must be a UUID")
    point = _object(task["pointOfInterest"], "pointOfInterest", ("lat", "lon"))
    _number(point["lat"], "pointOfInterest.lat", -90, 90)
    _number(point["lon"], "pointOfInterest.lon", -180, 180)
    _object(task["acquisitionWindow"], "acquisitionWindow", ("start", "end"))
    if "incidenceAngle" in task:
        angles = _object(task["incidenceAngle"], "incidenceAngle", ("min", "max"))
        low, high = (_whole(angles[name], f"incidenceAngle.{name}", *_FULL_INCIDENCE) for name in ("min", "max"))
        if low > high:
            raise Refusal(400, "incidenceAngle: min is above max")
    if "imagingDuration" in task:
        _whole(task["imagingDuration"], "imagingDuration", 1, 180)
    if len(task.get("reference", "")) > switches.reference_max_length:
        raise Refusal(400, f"reference: longer than {switches.reference_max_length} characters")
    types = task.get("productTypes", [])
    if not isinstance(types, list) or any(one not in PRODUCT_TYPES for one in types):
        raise Refusal(400, f"productTypes: must be a list of {', '.join(PRODUCT_TYPES)}")
    _check_after(task)
    return task


def _check_after(task: Json) -> None:
    webhook = task.get("notifications", {})
    webhook = webhook.get("webhook", {}) if isinstance(webhook, dict) else None
    if not isinstance(webhook, dict) or not (is_uuid(webhook.get("id")) or "id" not in webhook):
        raise Refusal(400, "notifications.webhook.id: must be a UUID")
    if not isinstance(task.get("deliveries", []), list):
        raise Refusal(400, "deliveries: must be a list")
    for delivery in task.get("deliveries", []):
        if not isinstance(_object(delivery, "deliveries", ("locations",))["locations"], list):
            raise Refusal(400, "deliveries.locations: must be a list")
        for location in delivery["locations"]:
            held = _object(location, "deliveries.locations", ("configID", "path"), ("subPath",))
            if not is_uuid(held["configID"]):
                raise Refusal(400, "deliveries.locations.configID: must be a UUID")
            for name in held.keys() & {"path", "subPath"}:
                _texts(held[name], f"deliveries.locations.{name}")


def choose(contract: Fact, field: str, name: str, wished: str | None, otherwise: str) -> str:
    """A choice that the contract allows, or its default; raises `Refusal` 400 and names what is allowed."""
    offer = contract.get(field) or {}
    allowed = offer.get("allowed") or []
    if wished is None:
        return str(offer.get("default") or (allowed or [otherwise])[0])
    if allowed and wished not in allowed:
        said = f"{name}: {wished} is not in the contract, which allows {', '.join(allowed)}"
        raise Refusal(400, said, "ERR_INVALID_CONTRACT", "Invalid Contract")
    return wished


def _window(task: Json, contract: Fact, priority: str, now: float, switches: IceyeSwitches) -> tuple[float, float]:
    try:
        start, end = (read_time(_texts(task["acquisitionWindow"][name], name)) for name in ("start", "end"))
    except ValueError as error:
        raise Refusal(400, f"acquisitionWindow: {error}") from error
    background = priority == "BACKGROUND"
    lead = switches.lead_hours_background if background else switches.lead_hours_commercial
    if end <= start:
        raise Refusal(400, "acquisitionWindow: end must be after start")
    if start < now + lead * 3600:
        said = f"must be at least {lead:g} hours ahead for {priority}" if lead else "must not be in the past"
        raise Refusal(400, f"acquisitionWindow.start: {said}")
    if end > now + switches.window_end_max_days * 86400:
        raise Refusal(400, f"acquisitionWindow.end: must be within {switches.window_end_max_days:g} days from now")
    if end - start < switches.window_min_hours * 3600:
        raise Refusal(400, f"acquisitionWindow: must be at least {switches.window_min_hours:g} hours wide")
    if start < read_time(contract["start"]) or end > read_time(contract["end"]):
        raise Refusal(400, "acquisitionWindow: outside of the contract's dates", "OUT_OF_BOUND_CONTRACT")
    return start, end


def _products(task: Json, mode: Mode, switches: IceyeSwitches) -> list[str]:
    asked = list(dict.fromkeys(task.get("productTypes") or []))
    for product in asked:
        if not mode.makes(product):
            raise Refusal(400, f"productTypes: {mode.name} does not give {product}")
    return asked or [product for product in switches.default_products if mode.makes(product)]


def resolve(task: Json, contract: Fact, now: float, switches: IceyeSwitches) -> Fact:
    """What a well-shaped task request means under a contract; raises `Refusal` 400.

    Args:
        task: The request, see `check_shape`.
        contract: Its contract.
        now: Seconds since 1970.
        switches: The rules.
    """
    mode = choose(contract, "imagingModes", "imagingMode", task["imagingMode"], "")
    chosen = {name: choose(contract, name, name, task.get(name), otherwise) for name, otherwise in _CHOICES}
    window = _window(task, contract, chosen["priority"], now, switches)
    standard = mode_named(mode).incidence if switches.incidence_default == "mode" else _FULL_INCIDENCE
    angles = task.get("incidenceAngle") or {"min": standard[0], "max": standard[1]}
    if contract["pricing"] is None:
        cost = None
    else:
        cost = price(mode, chosen["priority"], chosen["sla"], chosen["exclusivity"], chosen["eula"])
    return {
        "contract_id": contract["id"],
        "lat": float(task["pointOfInterest"]["lat"]),
        "lon": float(task["pointOfInterest"]["lon"]),
        "start": window[0],
        "end": window[1],
        "mode": mode,
        **chosen,
        "incidence": [int(angles["min"]), int(angles["max"])],
        "side": task.get("lookSide", "ANY"),
        "direction": task.get("passDirection", "ANY"),
        "duration": int(task.get("imagingDuration", mode_named(mode).duration)),
        "products": _products(task, mode_named(mode), switches),
        "price": cost,
    }


def finite(text: str, name: str, low: float, high: float) -> float:
    """A number in a query; raises `Refusal` 400."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    return _number(value, name, low, high)

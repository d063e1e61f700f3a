"""ICEYE's products, as its document shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tasking.provider import TaskingRequest
from tasking.status import StatusCode
from tests.support.iceye_answers import TASK, Answers, json_answer, task

PRODUCTS = f"/api/tasking/v2/tasks/{TASK}/products"
START = datetime(2026, 12, 4, 10, tzinfo=UTC)
TIMES = (START, START + timedelta(seconds=15))
SIGNED = "https://cdn.example.com/products/grd.json?Signature=very-secret-signature-"


def product(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": "FRAME_1",
        "type": "Feature",
        "stac_version": "1.0.0",
        "collection": "private",
        "geometry": {"type": "Polygon", "coordinates": [[[24, 60], [25, 60], [25, 61], [24, 60]]]},
        "bbox": [24, 60, 25, 61],
        "properties": {
            "frame_id": "1",
            "created": None,
            "start_datetime": "2026-12-04T10:00:00Z",
            "end_datetime": "2026-12-04T10:00:15Z",
            "sar:product_type": "GRD",
        },
        "assets": {"grd": {"href": f"{SIGNED}{number}", "type": "application/json"}},
        **changes,
    }


def of_type(kind: str, identifier: str = "FRAME_1") -> dict[str, Any]:
    made = product(id=identifier)
    made["properties"]["sar:product_type"] = kind
    made["assets"] = {kind.lower(): {"href": f"https://cdn.example.com/products/{kind}.json?Signature=x"}}
    return made


def request(*parts: str) -> TaskingRequest:
    return TaskingRequest(
        id=TASK,
        status=StatusCode.COMPLETED if len(parts) == 2 else StatusCode.PROCESSING,
        provider_status="DONE" if len(parts) == 2 else "FULFILLED",
        capture_ids=parts,
        start=TIMES[0],
        end=TIMES[1],
        next_look_at=START,
        give_up_at=START + timedelta(days=14),
    )


SLA, ALL = request("sla-products"), request("sla-products", "all-products")


def with_task(**changes: Any) -> Answers:
    answers = Answers()
    date = {name: changes.pop(name) for name in ("Date",) if name in changes}
    answers.on("GET", f"/api/tasking/v2/tasks/{TASK}", json_answer(200, task(**changes), **date))
    return answers

"""An ICEYE order, and the contracts it is placed under."""

from __future__ import annotations

from typing import Any

from tasking.iceye.order import IceyeOrder
from tests.support.iceye_answers import CONTRACT

OTHER = "33333333-3333-4333-8333-333333333333"
FEASIBILITY, PRICE = "/api/tasking/v2/feasibility", "/api/tasking/v2/price"
SUMMARY = f"/api/company/v1/contracts/{CONTRACT}/summary"
CONTRACTS = "/api/company/v1/contracts"


def order(**changes: Any) -> IceyeOrder:
    window = {"start": "2026-12-03T00:00:00Z", "end": "2026-12-06T00:00:00Z"}
    return IceyeOrder.model_validate({"name": "x", "point": [24.94, 60.17], "window": window, **changes})

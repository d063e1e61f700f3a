"""The fields of an order that is accepted."""

from __future__ import annotations

from typing import Any

GOOD: dict[str, Any] = {
    "name": "Tokyo Bay, December",
    "reference": "tokyo-bay-2026-12",
    "area": "POLYGON ((139.70 35.60, 139.85 35.60, 139.85 35.72, 139.70 35.72, 139.70 35.60))",
    "window": {"start": "2026-12-01T00:00:00Z", "end": "2026-12-08T00:00:00Z"},
}

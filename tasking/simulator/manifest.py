"""What a client should hold of an order: each file that was published for it, by size and hash."""

from __future__ import annotations

import hashlib
from typing import Any


def listed(name: str, data: bytes, item: str, asset: str | None = None) -> dict[str, Any]:
    """One file as a judge compares it: ``name``, ``size`` in bytes, ``sha256`` in hex, and where it belongs.

    Args:
        name: Its file name.
        data: What is in it.
        item: Id of the item, or of the scene, that it is published with.
        asset: Its key there; ``None`` for what is in a zip.
    """
    return {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "item": item, "asset": asset}

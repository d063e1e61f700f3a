"""What a client should hold of an order: each file that was published for it, by size and hash."""

from __future__ import annotations

import hashlib
from typing import Any


def listed(name: str, data: bytes) -> dict[str, Any]:
    """One file as a judge compares it: ``name``, ``size`` in bytes, ``sha256`` in hex."""
    return {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

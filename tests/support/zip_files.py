"""Small zip files."""

from __future__ import annotations

import io
import zipfile


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as file:
        for name, body in members:
            file.writestr(name, body)
    return held.getvalue()

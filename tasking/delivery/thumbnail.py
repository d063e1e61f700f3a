"""A small picture of what came home, to be shown beside its files."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from contextlib import suppress

from tasking.delivery.download import FileFacts
from tasking.delivery.integrity.sniffing import HEAD, sniff
from tasking.delivery.storage import open_plain

MOST_BYTES = 150_000
"""Of a picture that is shown; a larger one is left in its folder."""

_SHOWN = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_CALLED = ("thumbnail", "preview", "quicklook", "overview", "browse")


def thumbnail(files: Iterable[FileFacts]) -> str | None:
    """A ``data:`` address of the first picture that is small enough; ``None`` when there is none.

    What is a picture its first bytes say. One that is called a thumbnail or a preview comes before others.
    """
    small = [one for one in files if 0 < one.size <= MOST_BYTES]
    for one in sorted(small, key=lambda one: not any(word in one.asset_key.lower() for word in _CALLED)):
        with suppress(OSError), open_plain(one.path) as file:
            kind = _SHOWN.get(sniff(file, file.read(HEAD)) or "")
            if kind is not None:
                file.seek(0)
                return f"data:{kind};base64,{base64.b64encode(file.read(MOST_BYTES)).decode()}"
    return None

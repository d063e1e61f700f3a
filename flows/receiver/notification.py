"""What a provider's webhook may tell: which orders to look at, and nothing else.

Shape and signature of the providers' notifications are not published, so a body is never believed. Whatever looks like
an id in it is compared with the ids of our open orders; how an order stands is then asked of the provider itself.
"""

from __future__ import annotations

import re

LARGEST_BODY = 64 * 1024
"""Bytes of a notification that are read; ids are short, and a larger one is not a notification."""

_WORD = re.compile(r"[0-9A-Za-z_-]{4,128}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def extract_ids(body: bytes) -> frozenset[str]:
    """Everything in a body that could be an id: words of 4 to 128 letters, digits, ``_`` and ``-``, and UUIDs.

    The body is read as text and never parsed: JSON of any depth, a form, or broken bytes take the same short time.

    Args:
        body: At most `LARGEST_BODY` bytes are looked at.

    Returns:
        The words as they stand, and UUIDs in lower case, also those that are glued to other words.
    """
    text = body[:LARGEST_BODY].replace(b"\0", b"").decode("utf-8", "replace")
    return frozenset(_WORD.findall(text)) | {found.lower() for found in _UUID.findall(text)}

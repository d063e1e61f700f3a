"""What a provider says, made fit to stand in a file for years: plain JSON, and no address that opens a door.

Addresses lose user, query and fragment wherever they stand, in a link, in a description, in a key: a signature lives in
them. Numbers that JSON does not know become null, letters that are no text are replaced.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_DEEPEST = 64
"""Levels that are kept; what lies deeper is left out."""
_ADDRESS = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]{0,30}:)?//)([^\s\"'<>?#/]*)([^\s\"'<>?#]*)([?#][^\s\"'<>]*)?")
_SIGNED_PATH = re.compile(
    r"[?&](?:X-(?:Amz|Goog)-[A-Za-z-]+|AWSAccessKeyId|GoogleAccessId|Key-Pair-Id|Signature|sig|sv|se|sp|sr|"
    r"access_token|token|apikey|api_key|key|Expires|Policy)=[^\s\"'<>]*",
    re.IGNORECASE,
)
_LARGEST = 2**1023


def redact_urls(text: str) -> str:
    """A text whose addresses end before user, query and fragment.

    ``https://user:word@host/a.tif?sig=x`` becomes ``https://host/a.tif``; a path with a signature loses it, too.
    """
    if "//" in text:
        text = _ADDRESS.sub(_bare, text)
    return _SIGNED_PATH.sub("", text) if "=" in text else text


def _bare(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2].rpartition('@')[2]}{found[3]}"


def redacted(value: Any, level: int = 0) -> Any:
    """A copy that can be written as strict JSON in UTF-8 and holds no secret of an address."""
    if isinstance(value, str):
        return redact_urls(value.encode("utf-8", "replace").decode())
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if level >= _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {redacted(str(key)): _number_word(key, redacted(each, level + 1), each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(each, level + 1) for each in value]
    return redacted(str(value))


def _number_word(key: object, made: Any, given: Any) -> Any:
    """STAC has words for what a number without data may be, where JSON has none."""
    if key != "nodata" or made is not None or not isinstance(given, float):
        return made
    return "nan" if math.isnan(given) else ("inf" if given > 0 else "-inf")

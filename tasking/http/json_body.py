"""The JSON of an answer: in the encodings that servers write it in, and with numbers that are fit to count with."""

from __future__ import annotations

import codecs
import re
import sys
from typing import Any

import httpx
import pydantic_core

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks, the longer before those they begin with."""

_CHARSET = re.compile(r"""(?i);\s*charset\s*=\s*["']?([\w.:-]{1,40})""")
_PLAIN = re.compile(r"(?i)utf-?(16|32)(-?[bl]e)?|iso-?8859-?\d{1,2}|latin-?1|windows-?125\d|shift[-_]?jis|euc-(jp|kr)")
"""Encodings that turn bytes into letters one after the other; Python knows others that cost more."""
_MAYBE_ODD = re.compile(rb"[0-9]{300}|[eE]\+?[0-9]{3}|NaN|Infinity")
_LISTS_OF_ITEMS = ("features", "data")


def read_json(answer: httpx.Response) -> Any:
    """The body of an answer.

    NaN, infinities and numbers that no double holds are refused: nothing that counts with them would be safe. In STAC
    items (entries of a list that have assets) they are read as null: no file is kept back for an odd word about it.

    Raises:
        ValueError: It is no JSON, or it holds such a number.
    """
    body = _utf8(answer)
    data = pydantic_core.from_json(body, allow_inf_nan=True)
    if _MAYBE_ODD.search(body):
        if isinstance(data, dict):
            for name in _LISTS_OF_ITEMS:
                if isinstance(items := data.get(name), list):
                    data[name] = [_without_odd(one) if _is_item(one) else one for one in items]
        _refuse_odd(data)
    return data


def _utf8(answer: httpx.Response) -> bytes:
    """The body of an answer in UTF-8, without a byte order mark.

    JSON is UTF-8 (RFC 8259), whatever the header says. Only a body that cannot be is read in the charset of its header.

    Raises:
        ValueError: It is not what its mark or its header says.
    """
    body = answer.content
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _recoded(body[len(mark) :], encoding)
    named = _CHARSET.search(answer.headers.get("Content-Type", "")[:200])
    if named is None or not _PLAIN.fullmatch(named[1]) or _is_utf8(body):
        return body
    return _recoded(body, named[1])


def _is_utf8(body: bytes) -> bool:
    if b"\x00" in body:  # half of the bytes of UTF-16; JSON in UTF-8 has none
        return False
    try:
        body.decode()
    except ValueError:
        return False
    return True


def _recoded(body: bytes, encoding: str) -> bytes:
    try:
        return body if encoding == "utf-8" else body.decode(encoding).encode()
    except LookupError as error:
        raise ValueError(str(error)) from error


def _is_item(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("assets"), dict)


def _is_odd(value: Any) -> bool:
    return isinstance(value, int | float) and not abs(value) <= sys.float_info.max


def _without_odd(whole: Any) -> Any:
    """The same with null for each odd number; changed in place, without recursion."""
    waiting = [whole]
    while waiting:
        value = waiting.pop()
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in list(pairs):
            if isinstance(each, dict | list):
                waiting.append(each)
            elif _is_odd(each):
                value[key] = None
    return whole


def _refuse_odd(data: Any) -> None:
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif _is_odd(value):
            raise ValueError("a number that is none, or too large")

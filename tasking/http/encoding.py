"""JSON in the encodings that servers write it in."""

from __future__ import annotations

import codecs
import re

from tasking.http.transport import Answer

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


def utf8(answer: Answer) -> bytes:
    """The body of an answer in UTF-8, without a byte order mark.

    JSON is UTF-8 (RFC 8259), whatever the header says. Only a body that cannot be is read in the charset of its header.

    Raises:
        ValueError: It is not what its mark or its header says.
    """
    body = answer.body
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

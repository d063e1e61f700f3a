"""A file over HTTP: length, ETag, one byte range."""

from __future__ import annotations

import hashlib
import re

from fastapi import Request, Response

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def file_answer(request: Request, data: bytes, media_type: str) -> Response:
    """The file, the asked range of it (206), 304 when the client has it, or 416 for a range outside.

    A ``Range`` that is not one single byte range is ignored, as RFC 9110 allows; so is one whose ``If-Range`` names
    another version.
    """
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    if etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    asked = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if asked is None or asked.groups() == ("", "") or request.headers.get("if-range", etag) != etag:
        return Response(data, 200, headers, media_type)
    first, last = asked.groups()
    if first:
        start, end = int(first), min(int(last) if last else len(data) - 1, len(data) - 1)
    else:
        start, end = max(0, len(data) - int(last)), len(data) - 1
    if start > end:
        return Response(b"", 416, {**headers, "Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
    return Response(data[start : end + 1], 206, headers, media_type)

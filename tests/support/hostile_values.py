"""What a provider that means harm may say, as tables: numbers, dates, texts, addresses, geometries, shapes, headers."""

# ruff: noqa: E501 # tables read best as tables

from __future__ import annotations

import json
from typing import Any

BASE = "https://api.example.com"
"""Where the provider of these tests is: not on this machine, so the strict rules for addresses hold."""
ELSEWHERE = "https://elsewhere.example.net"


class Raw(str):
    """A piece of JSON text that no Python value stands for, or that is too long to be shown."""

    def __repr__(self) -> str:
        return f"Raw({self[:20]!r}, {len(self)} characters)"


class Pairs(tuple[tuple[str, Any], ...]):
    """An object with keys that may come twice."""


def encoded(value: Any) -> bytes:
    """JSON, with the raw pieces as they are."""
    return _text(value).encode("utf-8", "surrogatepass")


def _text(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict | Pairs):
        pairs = value.items() if isinstance(value, dict) else value
        return "{" + ",".join(f"{json.dumps(key)}:{_text(each)}" for key, each in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


NUMBERS: list[Any] = [
    0, -1, 1, 10**15, 2**63, -(2**64), 10**300, 0.1, -1e-300, 1e18, 253402300800, -62135596801, True, False,
    Raw("1e400"), Raw("-1e400"), Raw("NaN"), Raw("-Infinity"), Raw("1" + "0" * 4000), Raw("1" + "0" * 5000),
    "NaN", "inf", "-1e400", "9" * 400, "9" * 5000, "1_000", "٣", "0x10",
]  # fmt: skip
DATES: list[Any] = [
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00",
    "9999-12-31T23:59:59Z", "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-23:59", "9999-12-31T00:00:00",
    "2026-12-01T00:00:00+99:99", "2026-02-30T00:00:00Z", "2026-12-01", "10000-01-01T00:00:00Z", "-2026-12-01T00:00:00Z",
    "2026-12-01T00:00:00.9999999999Z", "2026-12-01T24:00:00Z", "1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z",
]  # fmt: skip
TEXTS: list[Any] = [
    "", " ", "\0", "a\0b", "a\nb", "\r\nX-Evil: 1", "..", "../../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\x.tif",
    "..\\..\\x", "CON", "nul.tif", "com1.json", ".lock", "-rf", "x.part", "catalog.json", "x" * 300, Raw(json.dumps("x" * 100_000)),
    "é" * 200, "\u202egnp.tif", "e\u0301", "\uff0e\uff0e\uff0f", "👩\u200d🚀", "\ufeff", "%2e%2e%2f", "{}", "'; --", "%s%n",
    Raw('"\\ud800"'), "<b>&amp;</b>", "ACTIVE", "DONE", "FULFILLED", "DATA_AVAILABLE", "completed", "canceled", "published",
]  # fmt: skip
ADDRESSES: list[Any] = [
    f"{ELSEWHERE}/next", "//elsewhere.example.net/next", "http://api.example.com/next", f"{BASE}:444/next", f"{BASE}/next",
    "file:///etc/passwd", "../../x", "/", "?page=2", "#", "ftp://api.example.com/", "data:,x", "javascript:alert(1)",
    "https://user:pw@api.example.com/", "https://api.example.com:99999/", "https://api.example.com:0/", "https://[::1/",
    "https://[::1]/", "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://10.0.0.1/",
    "https://localhost./", "https://a..b.example.com/", f"https://{'a' * 64}.com/", f"https://{'a.' * 200}com/",
    "https://ex\u2100mple.com/", "https://\u202e.com/", "https://", "https:///x", "https:", "://", "\\\\elsewhere\\x",
    Raw(json.dumps(f"{BASE}/{'x' * 70_000}")), f"{BASE}/a b?c='d+e'", f"{BASE}/\0", f"{BASE}/\n", "https://api.example.com\\@e.net/",
]  # fmt: skip
RING: list[Any] = [[139.7, 35.6], [139.9, 35.6], [139.9, 35.8], [139.7, 35.6]]
_COORDINATES: list[Any] = [
        [], [[]], [[[]]], [[RING]], RING, {}, {"0": 1}, 5, "x", None, [RING, None], [{"a": 1}],
        [[[*place, 10**300] for place in RING]], [[[1]] * 4], [[[None, None]] * 4], [[["1", "2"]] * 4],
        [[[True, False]] * 4], [[[1e300, 1e300]] * 4], [[[200, 95], [900, 0], [-900, 0], [200, 95]]],
        [[[Raw("1e400"), 0]] * 4], [[[Raw("1" + "0" * 400), 0]] * 4], [[[0, 0]] * 4], [[{}] * 4], [[[180, 90]] * 5],
]  # fmt: skip
GEOMETRIES: list[Any] = [
    *({"type": "Polygon", "coordinates": each} for each in _COORDINATES),
    {"type": "MultiPolygon", "coordinates": [[RING], []]}, {"type": "MultiPolygon", "coordinates": [None]},
    {"type": "Point", "coordinates": []}, {"type": "Point", "coordinates": [{}, []]}, {"type": ["Polygon"]},
    {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection", "geometries": []}]}, {"type": "Feature"},
]  # fmt: skip
SHAPES: list[Any] = [
    None, [], {}, [[]], [{}], {"": {}}, [None], ["x"], [5], {"id": None}, {"rel": "next", "href": f"{ELSEWHERE}/next"},
    [{"rel": "next", "href": f"{BASE}/next", "method": 5}], [{"rel": "next", "href": f"{BASE}/n", "method": "POST", "body": []}],
    [{"rel": ["next"], "href": {}}], {"allowed": 5}, {"min": []}, [None] * 1000, {str(n): n for n in range(1000)},
    Pairs((("id", 1), ("id", "2"), ("id", None))), Raw("[" * 150 + "]" * 150), Raw("[" * 100_000 + "]" * 100_000),
    Raw('{"a":' * 100_000 + "1" + "}" * 100_000), Raw("nul"), Raw('{"a":1'), Raw("'x'"), Raw("[1,]"),
]  # fmt: skip

HEADERS: list[tuple[str, str]] = [
    *(("Retry-After", each) for each in ("1" + "0" * 30, "-5", "soon", "1e9", "nan", "Fri, 31 Dec 9999 23:59:59 GMT", "0" * 5000)),
    *(("Date", each) for each in ("garbage", "", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
                                  "Tue, 01 Dec 2026 00:00:00 +9999", "Tue, 01 Dec 2026 00:00:00", ", , , ,", "99 Foo 1 1:1:1",
                                  "Tue, 01 Dec 99999999999 00:00:00 GMT", "Tue, 01 Dec 2026 99:99:99 -0000")),
    *(("X-Clock-Rate", each) for each in ("nan", "inf", "-1", "0", "1e6", "1e-3", "1e400", "x", "")),
    *(("Content-Type", each) for each in ("text/html", "application/json; charset=utf-99", "", "x" * 5000)),
    *(("Content-Encoding", each) for each in ("gzip", "gzip, gzip", "br", "zstd", "deflate", "x", "identity, identity")),
    *(("Location", str(each)) for each in ADDRESSES if str(each).isprintable() and str(each).isascii()),
    *(("Set-Cookie", each) for each in ("a=b; Max-Age=1e400", "=;;;=", "a=b; expires=Fri, 31 Dec 99999 23:59:59 GMT",
                                        "a=b; Domain=.example.net; Port=x", "a=b; Version=x; Path=../..")),
    ("Age", "-1"), ("Content-Length", "9" * 5000), ("Transfer-Encoding", "chunked"), ("Link", "<x>; rel=next"),
]  # fmt: skip

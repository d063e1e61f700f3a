"""How each fault changes an answer that was right."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from tasking.simulator.clock import SimulatedClock
from tasking.simulator.faults import Fault
from tasking.simulator.wire import Header


@dataclass(frozen=True)
class Answer:
    """A whole answer: status, headers without ``Date``, body."""

    status: int
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""

    def with_body(self, body: bytes, content_type: str | None = None) -> Answer:
        """The same answer with another body and a ``Content-Length`` that agrees."""
        replaced = {b"content-length"} | ({b"content-type"} if content_type else set())
        headers = [header for header in self.headers if header[0].lower() not in replaced]
        if content_type:
            headers.append((b"content-type", content_type.encode()))
        return replace(self, headers=[*headers, (b"content-length", str(len(body)).encode())], body=body)

    def without(self, name: bytes) -> Answer:
        """The same answer without one header."""
        return replace(self, headers=[header for header in self.headers if header[0].lower() != name])


def ordered_status(fault: Fault, clock: SimulatedClock) -> Answer:
    """The answer of a ``status`` fault."""
    headers: list[Header] = []
    if fault.retry_after is not None and fault.retry_after_form == "date":
        # The server's own clock: so many real seconds are so many of its own.
        when = datetime.fromtimestamp(math.ceil(clock.seconds() + fault.retry_after * clock.rate), UTC)
        headers.append((b"retry-after", format_datetime(when, usegmt=True).encode()))
    elif fault.retry_after is not None:
        headers.append((b"retry-after", str(math.ceil(fault.retry_after)).encode()))
    if fault.body is None:
        body = json.dumps({"code": str(fault.code), "description": "ordered by a fault"})
    else:
        body = fault.body
    if fault.code in (204, 304):
        return Answer(fault.code, headers)
    return Answer(fault.code, headers).with_body(body.encode(), fault.content_type)


def ordered_redirect(fault: Fault) -> Answer:
    """The answer of a ``redirect`` fault; 302 unless a 3xx code was given."""
    code = fault.code if 300 <= fault.code < 400 else 302
    return Answer(code, [(b"location", fault.location.encode()), (b"content-length", b"0")])


_WRONG = {
    "html": (b"<!doctype html><html><body><h1>We will be back soon</h1></body></html>", "text/html"),
    "wrong_shape": (b'{"unexpected": [1, 2, 3]}', None),
    "empty": (b"", None),
    "null": (b"null", None),
    "not_utf8": (b'{"name": "\xff\xfe\xfa"}', None),
}


def _with_next(answer: Answer, own_address: str, host: str | None) -> Answer:
    """Turn the page's ``next`` link to this very call, or to another host; a last page gets one."""
    try:
        page: Any = json.loads(answer.body)
    except ValueError:
        return answer
    if not isinstance(page, dict):
        return answer
    if host is None and isinstance(page.get("data"), list):  # a page by cursor: the cursor asked with comes again
        asked = parse_qs(urlsplit(own_address).query).get("cursor")
        return answer.with_body(json.dumps({**page, "cursor": asked[0]} if asked else page).encode())
    links = [link for link in page.get("links", []) if isinstance(link, dict)]
    target = own_address
    if host is not None:
        after = next((link["href"] for link in links if link.get("rel") == "next" and "href" in link), own_address)
        parts, other = urlsplit(after), urlsplit(host)
        target = urlunsplit((other.scheme, other.netloc, parts.path, parts.query, ""))
    if isinstance(page.get("next"), str | None) and "results" in page:  # a list whose next page is a member
        own_next = page["next"] or own_address
        parts, other = urlsplit(own_next), urlsplit(host or own_address)
        moved = urlunsplit((other.scheme, other.netloc, parts.path, parts.query, ""))
        return answer.with_body(json.dumps({**page, "next": own_address if host is None else moved}).encode())
    page["links"] = [link for link in links if link.get("rel") != "next"]
    page["links"].append({"rel": "next", "href": target, "type": "application/geo+json"})
    return answer.with_body(json.dumps(page).encode())


def _flipped(body: bytes, count: int, offset: int | None) -> bytes:
    changed = bytearray(body)
    first = len(body) // 2 if offset is None else offset
    for place in range(first, min(first + count, len(body))):
        changed[place] ^= 0xFF
    return bytes(changed)


def tampered(fault: Fault, answer: Answer, own_address: str) -> Answer:
    """The answer changed by a fault that leaves it a whole, well-framed HTTP message.

    Args:
        fault: What was ordered.
        answer: What the provider would have said.
        own_address: The address of this very call.
    """
    kept = int(len(answer.body) * fault.keep)
    match fault.kind:
        case "malformed" if fault.how == "cut":
            return answer.with_body(answer.body[: max(1, kept)])
        case "malformed":
            body, content_type = _WRONG[fault.how]
            return answer.with_body(body, content_type)
        case "deep_json":
            return answer.with_body(b'{"a":' * fault.depth + b"1" + b"}" * fault.depth)
        case "wrong_length":
            return answer.with_body(answer.body[:kept])
        case "flip_bytes":
            return replace(answer, body=_flipped(answer.body, fault.count, fault.offset))
        case "next_to_self":
            return _with_next(answer, own_address, None)
        case "next_to_other_host":
            return _with_next(answer, own_address, fault.host)
        case _:
            return answer

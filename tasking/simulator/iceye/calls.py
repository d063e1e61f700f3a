"""How ICEYE is called and how it says no: bodies, parameters, pages by cursor, and the two forms of an error."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import Request, Response

Json = dict[str, Any]
PROBLEM_TYPE = "application/problem+json"

_TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
_CODES = {
    400: "ERR_BAD_REQUEST",
    401: "ERR_UNAUTHORIZED",
    403: "ERR_FORBIDDEN",
    404: "ERR_NOT_FOUND",
    405: "ERR_METHOD_NOT_ALLOWED",
    429: "ERR_TOO_MANY_REQUESTS",
}


class Refusal(Exception):
    """Raised by ICEYE's rules; becomes an answer with this status.

    Args:
        status: HTTP status, 4xx.
        said: What is wrong.
        code: ICEYE's code; one by status when absent.
        title: Title in the problem form; one by status when absent.
        headers: Headers of the answer.
    """

    def __init__(
        self, status: int, said: str, code: str = "", title: str = "", headers: dict[str, str] | None = None
    ) -> None:
        self.status, self.said, self.headers = status, said, headers or {}
        self.code = code or _CODES.get(status, "ERR_UNKNOWN")
        self.title = title or _TITLES.get(status, "Error")
        super().__init__(said)


def refusal_answer(request: Request, refusal: Refusal, form: str) -> Response:
    """The answer for a refusal: ``code`` and ``message``, or ``title``, ``code`` and ``details`` (sic)."""
    asked = PROBLEM_TYPE in request.headers.get("accept", "").lower()
    if form == "problem" or (form == "accept" and asked):
        body: Json = {"title": refusal.title, "code": refusal.code, "details": refusal.said, "reference": ""}
        return Response(json.dumps(body), refusal.status, refusal.headers, PROBLEM_TYPE)
    body = {"code": refusal.code, "message": refusal.said}
    return Response(json.dumps(body), refusal.status, refusal.headers, "application/json")


def answer(body: Any, status: int = 200) -> Response:
    """JSON as it is."""
    return Response(json.dumps(body), status, media_type="application/json")


def stamp(seconds: float) -> str:
    """RFC 3339 in UTC; with milliseconds only where there are any."""
    when = datetime.fromtimestamp(round(seconds, 3), UTC)
    spec = "milliseconds" if when.microsecond else "seconds"
    return when.isoformat(timespec=spec).replace("+00:00", "Z")


def is_uuid(value: Any) -> bool:
    """Whether a value is a UUID as text, with its hyphens."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


@dataclass(frozen=True)
class Call:
    """One authorised call."""

    request: Request
    client_id: str

    def json(self) -> Any:
        """The body; raises `Refusal` 400."""
        media = self.request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media != "application/json":
            raise Refusal(400, f"content type must be application/json, not {media or 'absent'}")
        try:
            return json.loads(self.request.state.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Refusal(400, f"the body is not JSON: {error}") from error

    def params(self, known: Sequence[str], unknown: str) -> dict[str, str]:
        """Query parameters by name; raises `Refusal` 400 for repeated and (when refused) unknown ones."""
        found: dict[str, str] = {}
        for name, value in self.request.query_params.multi_items():
            if name in found:
                raise Refusal(400, f"{name}: given twice")
            if name in known:
                found[name] = value
            elif unknown == "refuse":
                raise Refusal(400, f"{name}: unknown parameter; possible: {', '.join(known) or 'none'}")
        return found


def limit_param(params: dict[str, str], most: int, default: int = 10) -> int:
    """The ``limit`` parameter; raises `Refusal` 400 out of 1 to ``most``."""
    text = params.get("limit", str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise Refusal(400, f"limit: {text!r} is not a whole number in 1..{most}")
    return int(text)


def _cursor(after: str) -> str:
    return base64.urlsafe_b64encode(f"after:{after}".encode()).decode()


def page(
    matched: Sequence[Any], params: dict[str, str], size: int, key: Callable[[Any], str], last_cursor: str
) -> tuple[list[Any], Json]:
    """One page and, as ``{"cursor": ...}``, the way on; raises `Refusal` 400 for a cursor it never gave.

    Args:
        matched: Everything that matched, in order.
        params: The parameters of the call; an empty ``cursor`` is none.
        size: Most on a page.
        key: Names one of them, the same at every call.
        last_cursor: ``absent`` or ``empty`` on the last page.
    """
    start = 0
    if params.get("cursor"):
        try:
            text = base64.b64decode(params["cursor"], altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise Refusal(400, "cursor: unknown") from error
        places = [place for place, one in enumerate(matched) if f"after:{key(one)}" == text]
        if not places:
            raise Refusal(400, "cursor: unknown")
        start = places[0] + 1
    shown = list(matched[start : start + size])
    if start + size < len(matched):
        return shown, {"cursor": _cursor(key(shown[-1]))}
    return shown, {"cursor": ""} if last_cursor == "empty" else {}

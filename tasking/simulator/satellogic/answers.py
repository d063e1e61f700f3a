"""How Satellogic answers: pages and refusals in the shapes of Django REST Framework, which its lists suggest."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

from tasking.simulator.features import Json, json_answer

PREFIX = "/satellogic"


class Refusal(Exception):
    """A clear no.

    Args:
        status: HTTP status, 4xx.
        body: A text, which becomes ``{"detail": text}``, or what is wrong by field.
        headers: Headers of the answer.
    """

    def __init__(self, status: int, body: str | dict[str, list[str]], headers: dict[str, str] | None = None) -> None:
        self.status, self.body, self.headers = status, body, headers or {}
        super().__init__(str(body))

    def answer(self) -> Response:
        """The answer it becomes."""
        body = {"detail": self.body} if isinstance(self.body, str) else self.body
        return Response(json.dumps(body), self.status, self.headers, "application/json")


@dataclass(frozen=True)
class Asked:
    """One call that was let in: who asks, on which contract, and what was sent."""

    request: Request
    client_id: str
    contract: Json

    @property
    def root(self) -> str:
        """This server's Satellogic, without final slash."""
        return str(self.request.base_url).rstrip("/") + PREFIX

    def query(self) -> dict[str, str]:
        """Query parameters by name; the last one counts when one is repeated."""
        return dict(self.request.query_params.multi_items())

    def body(self) -> Json:
        """The JSON object sent; raises `Refusal` 400 or 415."""
        media = self.request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media != "application/json":
            raise Refusal(415, f'Unsupported media type "{media}" in request.')
        try:
            sent = json.loads(self.request.state.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Refusal(400, f"JSON parse error - {error}") from error
        if not isinstance(sent, dict):
            raise Refusal(400, {"non_field_errors": ["Invalid data. Expected a dictionary."]})
        return sent


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def listing(
    asked: Asked, path: str, matched: Sequence[Any], show: Callable[[Any], Json], size: int, most: int
) -> Response:
    """One page: ``count``, ``next`` and ``previous`` (absolute), ``results``.

    Args:
        asked: The call; its ``limit`` and ``offset`` are read, and what cannot be read is the default.
        path: The list's path under the prefix.
        matched: Everything that matched, in order.
        show: Makes the object of one.
        size: ``limit`` when none is given.
        most: A larger ``limit`` is cut down to this.
    """
    query = asked.query()
    limit = min(_number(query.get("limit"), 1, size), most)
    offset = _number(query.get("offset"), 0, 0)
    kept = {name: value for name, value in query.items() if name not in ("limit", "offset")}

    def link(start: int) -> str:
        return f"{asked.root}{path}?{urlencode({**kept, 'limit': limit, 'offset': start})}"

    return json_answer(
        {
            "count": len(matched),
            "next": link(offset + limit) if offset + limit < len(matched) else None,
            "previous": link(max(0, offset - limit)) if offset else None,
            "results": [show(one) for one in matched[offset : offset + limit]],
        }
    )


def _number(text: str | None, lowest: int, default: int) -> int:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 12:
        return default
    return max(lowest, int(text))

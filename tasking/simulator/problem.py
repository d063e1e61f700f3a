"""A clear no, and the shapes in which a provider may say it."""

from __future__ import annotations

import json

from fastapi import Response

_CODES = {
    400: "InvalidParameterValue",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    415: "UnsupportedMediaType",
    429: "TooManyRequests",
}


class Problem(Exception):
    """Raised by a provider's rules; becomes an answer with this status.

    Args:
        status: HTTP status, 4xx.
        said: What is wrong, in the provider's words.
        headers: Headers of the answer.
    """

    def __init__(self, status: int, said: str, headers: dict[str, str] | None = None) -> None:
        self.status, self.said, self.headers = status, said, headers or {}
        super().__init__(said)


def problem_answer(problem: Problem, style: str) -> Response:
    """The answer for a problem: ``ogc`` code and description, ``detail`` alone, or plain ``text``."""
    if style == "text":
        return Response(problem.said, problem.status, problem.headers, "text/plain; charset=utf-8")
    body = {"detail": problem.said}
    if style == "ogc":
        body = {"code": _CODES.get(problem.status, "Error"), "description": problem.said}
    return Response(json.dumps(body), problem.status, problem.headers, "application/json")

"""Faults ordered for the next calls: what goes wrong, for which calls, and how often.

================== ======== ================================================= ==============================
kind               acted    what the client sees                              options
================== ======== ================================================= ==============================
status             switch   status ``code``                                   code, after_acting, retry_after,
                                                                              retry_after_form, body,
                                                                              content_type
delay              later    nothing for ``seconds`` (real), then it acts      seconds
delay_answer       yes      acts at once, the answer comes after ``seconds``  seconds
reset_before       no       TCP reset                                         -
reset_after        yes      TCP reset without any byte of the answer          -
malformed          yes      the right status, a body that is not what it      how: cut, html, wrong_shape,
                            says                                              empty, null, not_utf8
deep_json          yes      JSON nested ``depth`` deep                        depth
huge_json          yes      ``bytes`` of JSON, streamed                       bytes
slow_body          yes      the right body in pieces over ``seconds``         seconds, pieces
cut_body           yes      Content-Length of all, ``keep`` of it, close      keep
wrong_length       yes      ``keep`` of the body, and a header that agrees    keep
close_delimited    yes      no length, ``keep`` of the body, then close       keep
flip_bytes         yes      the right length, ``count`` bytes flipped         count, offset
next_to_self       yes      the next link of the page leads to itself         -
next_to_other_host yes      the next link leads to another ``host``           host
redirect           no       ``code`` (302) to ``location``                    location, code
================== ======== ================================================= ==============================
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasking.simulator.store import Store

Kind = Literal[
    "status",
    "delay",
    "delay_answer",
    "reset_before",
    "reset_after",
    "malformed",
    "deep_json",
    "huge_json",
    "slow_body",
    "cut_body",
    "wrong_length",
    "close_delimited",
    "flip_bytes",
    "next_to_self",
    "next_to_other_host",
    "redirect",
]


class Fault(BaseModel):
    """One order for trouble.

    Attributes:
        kind: What goes wrong.
        method: Glob over the method.
        path: Glob over the path, without the query.
        query: Glob over the decoded query.
        times: For how many calls; -1 means always.
        skip: How many matching calls pass unharmed first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    method: str = "*"
    path: str = "*"
    query: str = "*"
    times: int = Field(1, ge=-1)
    skip: int = Field(0, ge=0)
    id: int = 0

    code: int = Field(503, ge=200, le=599)
    after_acting: bool = False
    retry_after: float | None = Field(None, ge=0, description="real seconds")
    retry_after_form: Literal["seconds", "date"] = "seconds"
    body: str | None = None
    content_type: str = "application/json"
    seconds: float = Field(1, ge=0, description="real seconds")
    how: Literal["cut", "html", "wrong_shape", "empty", "null", "not_utf8"] = "cut"
    depth: int = Field(100_000, ge=1)
    bytes: int = Field(50_000_000, ge=2)
    pieces: int = Field(10, ge=1)
    keep: float = Field(0.5, ge=0, lt=1, description="share of the body")
    count: int = Field(1, ge=1)
    offset: int | None = Field(None, ge=0, description="first byte flipped; the middle when absent")
    host: str = Field("http://127.0.0.2:9", description="scheme, host and port")
    location: str = "http://127.0.0.2:9/"

    def matches(self, method: str, path: str, query: str) -> bool:
        """Whether a call is one this fault was ordered for."""
        return (
            fnmatchcase(method, self.method.upper()) and fnmatchcase(path, self.path) and fnmatchcase(query, self.query)
        )


class FaultBook:
    """The ordered faults, oldest first, kept in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def order(self, **fault: Any) -> Fault:
        """Order one; raises `pydantic.ValidationError`."""
        with self._store.together():
            made = Fault.model_validate({**fault, "id": 0})
            made = made.model_copy(update={"id": self._store.next_number("fault")})
            self._put(made)
        return made

    def _put(self, fault: Fault) -> None:
        self._store.put("faults", f"{fault.id:09}", fault.model_dump(mode="json"))

    def waiting(self) -> list[Fault]:
        """Those not used up yet."""
        return [Fault.model_validate(fact) for fact in self._store.all("faults")]

    def clear(self, number: int | None = None) -> int:
        """Take back one fault, or all; returns how many."""
        return self._store.drop("faults", None if number is None else f"{number:09}")

    def take(self, method: str, path: str, query: str) -> Fault | None:
        """The fault for this call, used up by one; faults still skipping count down and let the call go on."""
        with self._store.together():
            for fault in self.waiting():
                if not fault.matches(method, path, query) or fault.times == 0:
                    continue
                if fault.skip:
                    self._put(fault.model_copy(update={"skip": fault.skip - 1}))
                    continue
                if fault.times == 1:
                    self.clear(fault.id)
                elif fault.times > 1:
                    self._put(fault.model_copy(update={"times": fault.times - 1}))
                return fault
        return None

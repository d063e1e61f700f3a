"""Where an ICEYE task stands at a moment: a pure function of stored facts and the time.

Its own story is RECEIVED, ACTIVE (or REJECTED), then FULFILLED when the SLA products are there and DONE when all are;
straight to DONE without the others, FAILED when imaging failed. Decisions by hand and the user's cancelling are events
among the others; a word the story does not know holds until the next decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Fact = dict[str, Any]
ENDS = ("REJECTED", "FAILED", "CANCELED")


@dataclass(frozen=True)
class Standing:
    """How a task stands.

    Attributes:
        status: Its word.
        changed: Since when, seconds since 1970.
        capture: The imaging planned or done.
        taken: Whether that is done, or just being done.
        fulfilled: When its first products were there.
        complete: When all were.
        products: Product types that can be fetched now.
    """

    status: str
    changed: float
    capture: Fact | None
    taken: bool
    fulfilled: float | None
    complete: float | None
    products: tuple[str, ...]


def capture_of(task: Fact, now: float) -> Fact | None:
    """The imaging meant at a time: the latest that a change of the plan brought, else the first."""
    moved = [one for one in (*task["moves"], *task["decisions"]) if one["at"] <= now and one.get("capture")]
    capture: Fact | None = max(moved, key=lambda one: float(one["at"]))["capture"] if moved else task["capture"]
    return capture


def ready_times(task: Fact, capture: Fact) -> tuple[float, float]:
    """When the SLA products and when all products are there, as planned."""
    sla = capture["end"] + task["sla_seconds"]
    others = [product for product in task["products"] if product not in task["sla_products"]]
    return sla, sla + (task["other_seconds"] if others else 0)


def _events(task: Fact, capture: Fact | None) -> list[tuple[float, int, str]]:
    events = [(float(task["decided"]), 0, "decided")]
    if capture is not None:
        sla, done = ready_times(task, capture)
        events += [(capture["start"], 1, "started"), (capture["end"], 2, "imaged"), (sla, 3, "sla"), (done, 4, "all")]
    return events + [(one["at"], 5, "=" + one["status"]) for one in task["decisions"]]


def standing(task: Fact, now: float) -> Standing:
    """How a task stands at a time."""
    capture = capture_of(task, now)
    sla_types = [product for product in task["products"] if product in task["sla_products"]]
    partial = bool(sla_types) and len(sla_types) < len(task["products"])
    word, changed, taken, failed = "RECEIVED", float(task["created"]), False, False
    first: float | None = None
    last: float | None = None
    ready: list[str] = []
    for at, _, event in sorted(_events(task, capture)):
        if at > now:
            break
        before = word
        if event == "decided" and word == "RECEIVED":
            word = "REJECTED" if capture is None else "ACTIVE"
        elif event == "started":
            taken = word not in (*ENDS, "RECEIVED")
        elif event == "imaged" and taken:
            failed = task["fails"] or word in ENDS
            word, taken = (word if word in ENDS else "FAILED", False) if failed else (word, True)
        elif event == "sla" and taken and partial:
            ready, first = sla_types, at if first is None else first
            word = "FULFILLED" if word == "ACTIVE" else word
        elif event == "all" and taken:
            ready, first, last = task["products"], at if first is None else first, at if last is None else last
            word = "DONE" if word in ("ACTIVE", "FULFILLED") else word
        elif event.startswith("="):
            word = event[1:]
            if word in ("FULFILLED", "DONE") and taken:
                ready = task["products"] if word == "DONE" or not partial else sla_types
                first = at if first is None else first
                last = at if last is None and len(ready) == len(task["products"]) else last
            elif word == "ACTIVE" and ready:
                word = "DONE" if len(ready) == len(task["products"]) else "FULFILLED"
        changed = at if word != before else changed
    products = () if word in ENDS else tuple(ready)
    return Standing(word, changed, capture, taken, first, last, products)

"""One order as it happens: placed by an HTTP call, each state as it comes, the provider's clock turned in between."""

from __future__ import annotations

import json
import shlex
import time
from contextlib import closing
from datetime import datetime
from typing import Any

from rich.console import Console

from devstack.stack import Stack
from tasking.ledger import open_ledger
from tasking.waiting import format_utc

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
FORWARD_SECONDS = 6.0
"""How long (our time) the days until the imagery take once the clock is turned."""


def create_flow_run(stack: Stack, order: dict[str, Any]) -> tuple[str, bytes]:
    """Address and body of the call that places an order; with its key it may be sent again, and starts one run."""
    order = stack.told(order, stack.kit)
    deployment = stack.deployments[stack.kit.deployment]
    key = {"idempotency_key": order["reference"]} if order.get("reference") else {}
    body = json.dumps({"parameters": {"order": order}, **key})
    return f"{stack.url}/api/deployments/{deployment}/create_flow_run", body.encode()


def as_curl(url: str, body: bytes) -> str:
    """The same call as a person types it, with the password in the environment."""
    login = '-u "$PREFECT_API_AUTH_STRING"'
    json_body = f"-H 'Content-Type: application/json' \\\n  -d {shlex.quote(body.decode())}"
    return f"curl -X POST {url} \\\n  {login} {json_body}"


class Story:
    """Follows one order and tells each state with our time and the provider's.

    Args:
        stack: Where it runs.
        console: Where it is told.
        reference: The order's reference.
        run_id: Its flow run.
    """

    def __init__(self, stack: Stack, console: Console, reference: str, run_id: str) -> None:
        self._stack, self._console, self._reference, self._run_id = stack, console, reference, run_id
        self._begin = time.time()
        self._told: set[str] = set()
        self._usual_rate = float(stack.sim.get("/_sim/clock").json()["rate"])
        self._forward_until: datetime | None = None
        self._turned_for: datetime | None = None
        self._deliveries = 0

    @property
    def deliveries(self) -> int:
        """How many deliveries were told."""
        return self._deliveries

    def follow(self, timeout_seconds: float) -> dict[str, Any]:
        """Tell the story to its end; the run's last state."""
        return self._stack.wait_for(self._next, timeout_seconds, f"order {self._reference} to end", every_seconds=0.4)

    def _next(self) -> dict[str, Any] | None:
        states = self._stack.api.states(self._run_id)
        if states[-1]["id"] not in self._told:
            self._tell_deliveries()
        for state in states:
            if state["id"] not in self._told:
                self._told.add(state["id"])
                self._tell(state)
        last = states[-1]
        if self._forward_until is not None:
            self._perhaps_turn_back(last)
        elif _rests(last):
            self._perhaps_turn_forward()
        return last if last["type"] in ENDED else None

    def _tell(self, state: dict[str, Any]) -> None:
        at = datetime.fromisoformat(state["timestamp"])
        message = f"  {state['message']}" if state["message"] else ""
        self._line(at.timestamp(), f"[bold]{state['name']}[/bold]", message)

    def _line(self, at: float, what: str, more: str = "") -> None:
        theirs = format_utc(self._stack.provider_now())
        self._console.print(f"{max(at - self._begin, 0):7.1f} s   {theirs}   {what}", end="")
        self._console.print(more, markup=False, soft_wrap=True)

    def _tell_deliveries(self) -> None:
        with closing(open_ledger(self._stack.ledger_url)) as ledger:
            brought = [one for one in ledger.journal(self._reference) if one.event == "delivered"]
        for one in brought[self._deliveries :]:
            self._line(one.at.timestamp(), "[green]delivered[/green]", f"  {one.message}")
        self._deliveries = len(brought)

    def _perhaps_turn_forward(self) -> None:
        with closing(open_ledger(self._stack.ledger_url)) as ledger:
            record = ledger.find(self._reference)
        due = self._stack.kit.products_due(record) if record is not None and record.waits_for == "imagery" else None
        if due is None or due == self._turned_for:
            return
        now = self._stack.provider_now()
        days = (due - now).total_seconds() / 86400
        rate = max((due - now).total_seconds() / FORWARD_SECONDS, self._usual_rate)
        self._forward_until = due
        why = f"  products are due within {days:.1f} days: the provider's clock now runs {rate:,.0f} times as fast"
        self._line(time.time(), "[cyan]clock turned[/cyan]", why)
        self._stack.turn_clock(rate)

    def _perhaps_turn_back(self, last: dict[str, Any]) -> None:
        assert self._forward_until is not None
        # woken before: the clock slows down, so that tokens and candidates live longer than a download takes
        over = self._stack.provider_now() >= self._forward_until
        if over or not _rests(last):
            self._stack.turn_clock(self._usual_rate)
            self._turned_for = self._forward_until if over else None
            self._forward_until = None
            self._line(
                time.time(), "[cyan]clock turned back[/cyan]", f"  to {self._usual_rate:g} times as fast as ours"
            )


def _rests(state: dict[str, Any]) -> bool:
    """Whether the run is parked and nobody has woken it."""
    return state["name"] == "AwaitingRetry" and "news" not in (state["message"] or "")

"""Processes that stand still while somebody calls their runs Crashed: an automation, a person, a worker gone blind.

So two live processes are at one order. The first stands still where that is worst: between announcing a create and
sending it, and between hearing a yes and writing it down.
"""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.request
from http.client import HTTPException
from typing import Any

from chaos.trace import Trace
from tasking.ledger import Intent, Ledger

STILL_SECONDS = 60.0
"""Longer than another process needs to be started, to look three times and to settle the create."""

PATIENCE_SECONDS = 10.0


def inject_process(trace: Trace, prefect_url: str) -> None:
    """From now on this process may stand still after it announced a create, and before it writes down what was made."""
    intend, settle = Ledger.record_intent, Ledger.close_intent

    def announced(self: Ledger, reference: str, verb: str, label: str, *moments: Any) -> Intent | None:
        intent = intend(self, reference, verb, label, *moments)
        if intent is not None:
            _perhaps_stand_still(trace, prefect_url, f"{verb} announced")
        return intent

    def settled(self: Ledger, reference: str, intent: Intent, outcome: str, message: str, /, **fields: Any) -> bool:
        if outcome == "made":
            _perhaps_stand_still(trace, prefect_url, f"{intent.verb} made")
        return settle(self, reference, intent, outcome, message, **fields)

    Ledger.record_intent, Ledger.close_intent = announced, settled  # type: ignore[method-assign,assignment]


def _perhaps_stand_still(trace: Trace, prefect_url: str, what: str) -> None:
    fault = trace.reach("process", what)
    if fault is None:
        return
    if _called_crashed(prefect_url):
        time.sleep(STILL_SECONDS)
    else:  # Prefect is away, or has stopped this run itself
        trace.missed(fault)


def _called_crashed(prefect_url: str) -> bool:
    """Set the run of this process to Crashed by the API of Prefect; whether that took it."""
    told = urllib.request.Request(  # noqa: S310 # not by the struck client: this is no call of the order's
        f"{prefect_url.rstrip('/')}/flow_runs/{os.environ['PREFECT__FLOW_RUN_ID']}/set_state",
        data=json.dumps(
            {"state": {"type": "CRASHED", "message": "Called so while its process lives"}, "force": True}
        ).encode(),
        headers={"Content-Type": "application/json", **_credentials()},
    )
    try:
        with urllib.request.urlopen(told, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            return bool(json.load(answer)["status"] == "ACCEPT")
    except (OSError, HTTPException, ValueError, KeyError):
        return False


def _credentials() -> dict[str, str]:
    known = os.environ.get("PREFECT_API_AUTH_STRING")
    return {"Authorization": f"Basic {base64.b64encode(known.encode()).decode()}"} if known else {}

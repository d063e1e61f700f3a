"""Everything about an order that did not end well, for whoever looks into it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from chaos.checker import Verdict
from chaos.trace import Trace
from devstack.stack import Stack
from tasking.ledger import open_ledger


def story(stack: Stack, verdict: Verdict, trace: Trace, run_ids: Sequence[str]) -> str:
    """The verdict, the points and hits, all states and logs of the runs, and the ledger's journal."""
    lines = [verdict.model_dump_json(indent=1), "", "Points:", *map(str, trace.points())]
    lines += ["", "Hits:", *map(str, trace.hits())]
    for run_id in run_ids:
        lines += ["", f"States of {run_id}:"]
        lines += [f"{one['timestamp']} {one['name']}: {one['message']}" for one in stack.api.states(run_id)]
        asked = {"logs": {"flow_run_id": {"any_": [run_id]}}, "limit": 200}
        said = stack.api.ask("POST", "/logs/filter", json=asked)
        lines += ["", "Logs:", *(f"{one['timestamp']} {one['message']}" for one in said)]
    reference = verdict.subject.reference
    with closing(open_ledger(stack.ledger_url)) as ledger:
        lines += ["", f"Ledger: {ledger.find(reference)}", ""]
        lines += [f"{one.at} {one.event}: {one.message}" for one in ledger.journal(reference)]
    return "\n".join(lines)

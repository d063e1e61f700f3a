"""What was made and spent at the providers, counted a second way: by the calls that made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

CREATES = {
    "axelglobe": {
        "plans_by_name": "/wfs/tasking/v2/collections/plans/items",
        "requests_by_name": "/wfs/tasking/v2/collections/requests/items",
    },
    "iceye": {"tasks_by_reference": "/iceye/api/tasking/v2/tasks"},
    "satellogic": {"tasks_by_name": "/satellogic/tasking/tasks*"},
}
"""Where each kind of thing is created: paths as the simulator's journal has them, with one glob for a last slash."""

_COSTS_NOTHING = ("REJECTED", "FAILED")


def uncounted(calls: Sequence[Mapping[str, Any]], there: Mapping[str, Sequence[object]], orders: int) -> list[str]:
    """Where the creates that acted, the things that are there and the orders that have one do not agree.

    A call that the provider's process did not survive has no outcome in the journal; what it may have made is excused.

    Args:
        calls: The creates, as the simulator's journal has them.
        there: The ids of what is there, by name or reference.
        orders: How many orders made one.
    """
    acted = [call for call in calls if call["acted"]]
    made = {str(one) for call in acted for one in call["created_ids"]}
    unknown = Counter(_named(call["body"]) for call in calls if call["status"] is None)
    held = {name: [str(one) for one in ids] for name, ids in there.items()}
    everything = {one for ids in held.values() for one in ids}
    found = [f"{one} was made by a call and is not there" for one in sorted(made - everything)]
    found += ["a create acted and made nothing" for call in acted if not call["created_ids"]]
    for name, ids in held.items():
        silent = [one for one in ids if one not in made]
        if len(silent) > unknown[name]:
            found.append(f"{name}: no call made {', '.join(silent)}")
    if len(everything) != orders:
        found.append(f"{len(everything)} are there ({len(acted)} creates acted), and {orders} orders made one")
    return found


def overspent(summary: Mapping[str, Any], references: Collection[str]) -> list[str]:
    """Where a contract of ICEYE's paid something else than one task for each order.

    Args:
        summary: What ICEYE holds, with ``budgets``, ``contracts``, ``tasks`` and ``tasks_by_reference``.
        references: Of all orders.
    """
    ids = summary["tasks_by_reference"]
    firsts = {ids[one][0] for one in references if ids.get(one)}
    found = []
    for contract in summary["contracts"]:
        budget = summary["budgets"][contract["id"]]
        if budget is None:
            continue
        tasks = [task for task in summary["tasks"] if task["id"] in firsts and task["contract_id"] == contract["id"]]
        due = contract["pricing"]["spent"] + sum(map(_cost, tasks))
        spent = budget["consolidatedSpent"] + budget["onHold"]
        if spent != due:
            found.append(f"contract {contract['id']}: {spent} spent or held, and its {len(tasks)} orders cost {due}")
    return found


def credits_astray(summary: Mapping[str, Any], references: Collection[str]) -> list[str]:
    """Where AxelGlobe's accounts paid something else than one credit for each order that made a request."""
    spent = summary["credits_total"] - sum(summary["credits_left"].values())
    asked = sum(bool(summary["requests_by_name"].get(one)) for one in references)
    return [f"{spent} credits spent by {asked} orders that made a request"] if spent != asked else []


def _cost(task: Mapping[str, Any]) -> int:
    if task["status"] in _COSTS_NOTHING:
        return 0
    return int(task["fee"] if task["status"] == "CANCELED" else task["price"] or 0)


def _named(body: Any) -> str:
    """The name or reference in a create's body."""
    if not isinstance(body, dict):
        return ""
    properties = body.get("properties")
    told = properties if isinstance(properties, dict) else body
    return str(next((told[key] for key in ("name", "reference", "task_name") if key in told), ""))

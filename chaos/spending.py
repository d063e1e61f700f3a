"""What was made at the providers, counted a second way: by the calls that made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any


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


def _named(body: Any) -> str:
    """The name or reference in a create's body."""
    if not isinstance(body, dict):
        return ""
    properties = body.get("properties")
    told = properties if isinstance(properties, dict) else body
    return str(next((told[key] for key in ("name", "reference", "task_name") if key in told), ""))

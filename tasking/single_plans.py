"""Reading plans one by one, where a provider lists none, or where its list shows them not."""

from __future__ import annotations

from collections.abc import Callable, Collection

from tasking.errors import CredentialsRefused, ProviderError, Unavailable
from tasking.provider import Plan


def read_singly(plan_ids: Collection[str], read_plan: Callable[[str], Plan]) -> dict[str, Plan]:
    """Plans by id; one that is unknown or cannot be read is absent, and stops no other.

    Args:
        plan_ids: Whose; each is one call.
        read_plan: Reads one.

    Raises:
        Unavailable, CredentialsRefused: So it was with every plan: it is about the account.
    """
    found: dict[str, Plan] = {}
    refused: list[Unavailable | CredentialsRefused] = []
    for plan_id in plan_ids:
        try:
            found[plan_id] = read_plan(plan_id)
        except (Unavailable, CredentialsRefused) as error:
            refused.append(error)
        except ProviderError:
            continue  # the run itself says so when it wakes
    if refused and len(refused) == len(plan_ids):
        raise refused[-1]
    return found

"""Reading many plans or requests of an account in the fewest calls: pages of the list, or single ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from tasking.axelglobe.client import PAGE
from tasking.axelglobe.models import ListedPlan, ListedRequest

T = TypeVar("T", ListedPlan, ListedRequest)

FEW = 2
"""So many are asked singly; a page that shows fewer of ours is hardly worth its call."""


def shown(pages: Iterable[tuple[Sequence[T], int | None]], missing: dict[str, None]) -> Iterator[T]:
    """Those of ``missing`` that the pages of a list show, as long as pages are fewer calls than single ones.

    How many pages there are is known after the first. Pages are read on as long as each brings two or more (what is
    open in an account stands close together), or as long as they are fewer than what is missing.

    Args:
        pages: Of the list, each with how many there are in all; nothing is asked before one is taken.
        missing: Ids; what is shown is taken out. What stays is to be asked singly before it counts as unknown.
    """
    if len(missing) <= FEW:
        return
    for read, (page, in_all) in enumerate(pages, start=1):
        hits = {each.id: each for each in page if each.id in missing}
        for each in hits:
            del missing[each]
        yield from hits.values()
        pages_left = -(-in_all // PAGE) - read if in_all is not None else read
        if len(missing) <= 1 or (len(hits) < FEW and len(missing) <= pages_left):
            return

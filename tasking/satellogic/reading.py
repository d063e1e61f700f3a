"""How many tasks stand, in the fewest calls.

The document offers a list with pages, which may be narrowed to a status, and one call for one task. A contract may hold
thousands of tasks that ended long ago: then the lists of the words that ours had last are shorter than the whole one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tasking.errors import CredentialsRefused, NotFound, Refused
from tasking.satellogic.client import PAGE, SatellogicClient
from tasking.satellogic.models import Task

OPEN = ("in_progress", "pending", "planning", "received")
"""Words of tasks that are under way, those that change next first."""
FEW = 2
"""So many tasks are asked for one by one; a page that shows fewer of ours is hardly worth its call."""


def read_tasks(client: SatellogicClient, task_ids: Sequence[str], words: Mapping[str, str]) -> dict[str, Task]:
    """Tasks by id; those that Satellogic does not know are absent.

    One or two are asked singly. For more the list is read: how many pages it has is known after the first. When the
    tasks under way are on fewer pages by their status, those are read instead. Pages are read on as long as each brings
    two or more, or as long as they are fewer than what is missing. What no page shows is asked singly.

    Args:
        client: The account.
        task_ids: Satellogic's ids.
        words: The status that each had last, as far as it is known.
    """
    search = _Search(client, task_ids)
    if len(search.missing) > FEW and not search.whole_list(words) and not search.by_status(words):
        search.whole_list({})
    for task_id in list(search.missing):
        try:
            search.found[task_id] = client.task(task_id)
        except NotFound:
            continue
    return search.found


class _Search:
    """The tasks that were found, and the ids of those that are missing."""

    def __init__(self, client: SatellogicClient, task_ids: Iterable[str]) -> None:
        self._client = client
        self.found: dict[str, Task] = {}
        self.missing = dict.fromkeys(task_ids)

    def whole_list(self, words: Mapping[str, str]) -> bool:
        """Read the list as far as it is worth it; ``False`` when the lists by status are shorter than its rest."""
        for read, (page, in_all) in enumerate(self._client.task_pages(), start=1):
            hits, size = self._take(page), len(page) or PAGE
            left = -(-in_all // size) - read if in_all is not None else read
            counts = self._counts(words)
            by_status = sum(-(-count // size) for count in counts.values()) + len(self.missing) - counts.total()
            if counts and len(self.missing) > FEW and by_status + 1 < min(left, len(self.missing)):
                return False
            if self._is_enough(hits, left):
                break
        return True

    def by_status(self, words: Mapping[str, str]) -> bool:
        """Read the lists of the words that ours had last, then of the others; ``False`` when it is not narrowed."""
        had = [word for word, _ in self._counts(words).most_common()]
        for word in [*had, *(each for each in OPEN if each not in had)]:
            try:
                for read, (page, in_all) in enumerate(self._client.task_pages(word), start=1):
                    hits, size = self._take(page), len(page) or PAGE
                    if any(each.status != word for each in page):
                        return False
                    if self._is_enough(hits, -(-in_all // size) - read if in_all is not None else read):
                        break
            except (CredentialsRefused, NotFound):
                raise
            except Refused:  # the filter is documented, and refused all the same
                return False
            if len(self.missing) <= FEW:
                break
        return True

    def _take(self, page: Sequence[Task]) -> int:
        hits = {each.task_id: each for each in page if each.task_id in self.missing}
        self.found |= hits
        self.missing = {each: None for each in self.missing if each not in hits}
        return len(hits)

    def _is_enough(self, hits: int, pages_left: int) -> bool:
        return len(self.missing) <= 1 or (hits < FEW and len(self.missing) <= pages_left)

    def _counts(self, words: Mapping[str, str]) -> Counter[str]:
        """How many of the missing tasks had each word of those under way."""
        return Counter(word for each in self.missing if (word := words.get(each, "")) in OPEN)

"""How many tasks stand, in the fewest calls.

The document offers a list with pages, which may be narrowed to a status, and one call for one task. A contract may hold
thousands of tasks that ended long ago: then the lists of the words that ours had last are shorter than the whole one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tasking.bulk_reading import FEW, ManyById
from tasking.errors import CredentialsRefused, NotFound, Refused
from tasking.satellogic.client import PAGE, SatellogicClient
from tasking.satellogic.models import Task

OPEN = ("in_progress", "pending", "planning", "received")
"""Words of tasks that are under way, those that change next first."""


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
    return search.read_singly(client.task)


class _Search(ManyById[Task]):
    """By the whole list, or by the lists of single words."""

    def __init__(self, client: SatellogicClient, task_ids: Iterable[str]) -> None:
        super().__init__(task_ids, lambda task: task.task_id, PAGE)
        self._client = client

    def whole_list(self, words: Mapping[str, str]) -> bool:
        """Read the list as far as it is worth it; ``False`` when the lists by status are shorter than its rest."""
        for read, (page, in_all) in enumerate(self._client.task_pages(), start=1):
            hits, left = self.take(page), self.pages_left(read, page, in_all)
            counts, size = self._counts(words), len(page) or PAGE
            by_status = sum(-(-count // size) for count in counts.values()) + len(self.missing) - counts.total()
            if counts and len(self.missing) > FEW and by_status + 1 < min(left, len(self.missing)):
                return False
            if self.is_enough(hits, left):
                break
        return True

    def by_status(self, words: Mapping[str, str]) -> bool:
        """Read the lists of the words that ours had last, then of the others; ``False`` when it is not narrowed."""
        had = [word for word, _ in self._counts(words).most_common()]
        for word in [*had, *(each for each in OPEN if each not in had)]:
            try:
                for read, (page, in_all) in enumerate(self._client.task_pages(word), start=1):
                    hits = self.take(page)
                    if any(each.status != word for each in page):
                        return False
                    if self.is_enough(hits, self.pages_left(read, page, in_all)):
                        break
            except (CredentialsRefused, NotFound):
                raise
            except Refused:  # the filter is documented, and refused all the same
                return False
            if len(self.missing) <= FEW:
                break
        return True

    def _counts(self, words: Mapping[str, str]) -> Counter[str]:
        """How many of the missing tasks had each word of those under way."""
        return Counter(word for each in self.missing if (word := words.get(each, "")) in OPEN)

"""Reading many things of an account in the fewest calls: pages of its lists, or single ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Generic, TypeVar

from tasking.errors import CredentialsRefused, NotFound, ProviderError, Refused, Unavailable

T = TypeVar("T")

FEW = 2
"""So many are asked singly; a page that shows fewer of ours is hardly worth its call."""


class ManyById(Generic[T]):
    """Things by their ids: those that were found, and the ids of those that are missing.

    Args:
        ids: Whose.
        id_of: The id of one.
        page_size: How many stand on a page, where one does not show it.
    """

    def __init__(self, ids: Iterable[str], id_of: Callable[[T], str], page_size: int) -> None:
        self._id_of, self._page_size = id_of, page_size
        self.found: dict[str, T] = {}
        self.missing = dict.fromkeys(ids)

    def read_pages(self, pages: Iterable[tuple[Sequence[T], int | None]]) -> None:
        """Read pages of a list as long as they are fewer calls than single ones.

        How many pages there are is known after the first. They are read on as long as each brings two or more (what is
        open in an account stands close together), or as long as they are fewer than what is missing.

        Args:
            pages: Each with how many there are in all, if that is said; nothing is asked before one is taken.
        """
        if len(self.missing) <= FEW:
            return
        for read, (page, in_all) in enumerate(pages, start=1):
            hits = self.take(page)
            if self.is_enough(hits, self.pages_left(read, page, in_all)):
                return

    def take(self, page: Sequence[T]) -> int:
        """Take in a page; how many of the missing it shows."""
        hits = {key: each for each in page if (key := self._id_of(each)) in self.missing}
        self.found |= hits
        for key in hits:
            del self.missing[key]
        return len(hits)

    def pages_left(self, read: int, page: Sequence[T], in_all: int | None) -> int:
        """How many pages there are after this one; as many as before it where nobody tells."""
        return -(-in_all // (len(page) or self._page_size)) - read if in_all is not None else read

    def is_enough(self, hits: int, pages_left: int) -> bool:
        """Whether single calls are fewer from here on."""
        return len(self.missing) <= 1 or (hits < FEW and len(self.missing) <= pages_left)

    def read_singly(self, read_one: Callable[[str], T]) -> dict[str, T]:
        """All that were found, once what no page showed was asked for singly; absent is what is unknown."""
        for key in self.missing:
            try:
                self.found[key] = read_one(key)
            except NotFound:
                continue
        return self.found


def each_singly(ids: Collection[str], read_one: Callable[[str], T]) -> dict[str, T]:
    """Things by id, each by one call; one that is unknown or cannot be read is absent, and stops no other.

    Raises:
        Unavailable, CredentialsRefused: So it was with every one: it is about the account.
    """
    found: dict[str, T] = {}
    refused: list[Unavailable | CredentialsRefused] = []
    for key in ids:
        try:
            found[key] = read_one(key)
        except (Unavailable, CredentialsRefused) as error:
            refused.append(error)
        except ProviderError:
            continue  # the run itself says so when it wakes
    if refused and len(refused) == len(ids):
        raise refused[-1]
    return found


def narrowed(ask: Callable[[], Iterable[T]], ask_all: Callable[[], Iterable[T]]) -> list[T]:
    """A list by documented filters; the whole of it where the server refuses them."""
    try:
        return list(ask())
    except (CredentialsRefused, NotFound):
        raise
    except Refused:
        return list(ask_all())

"""Which of the things at a provider is ours, by the label that its create carried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from tasking.errors import ReferenceTaken

T = TypeVar("T")

LATEST = datetime.max.replace(tzinfo=UTC)
"""Age of what does not tell when it was made: everything else is older."""


class Nameless(Exception):
    """A thing that is or may be ours is listed without an id that can be read: nothing may be ordered before that."""


def oldest_match(
    labelled: Iterable[T],
    difference: Callable[[T], str | None],
    *,
    age: Callable[[T], Any],
    called: Callable[[T], str],
    is_alike: Callable[[T], bool] | None = None,
) -> T | None:
    """The oldest of those that carry our label and ask for what was ordered.

    Args:
        labelled: What carries the label.
        difference: In what one differs from the order, for a person; ``None`` when in nothing.
        age: What they are sorted by.
        called: One of them for a person, e.g. ``axelglobe: plan 7 is called 'bay'``.
        is_alike: Whether one is ours though it differs, as when a server normalised what was sent; only where a create
            under this label was sent without a clear answer.

    Raises:
        ReferenceTaken: There are some, and all ask for something else.
    """
    found = [(each, difference(each)) for each in sorted(labelled, key=age)]
    same = [each for each, other in found if other is None]
    same = same or [each for each, _ in found if is_alike is not None and is_alike(each)]
    if same or not found:
        return same[0] if same else None
    oldest, other = found[0]
    raise ReferenceTaken(f"{called(oldest)} as well, and asks for something else: {other}")

"""Captures one by one: what is wrong with one of them keeps no other from coming home."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from tasking.errors import DeliveryFailed, ProviderError, Unavailable, UnsafeAsset

Trouble: TypeAlias = DeliveryFailed | ProviderError
"""What may be wrong with one capture and not with the next."""


def in_turn(captures: Sequence[str], failures: int) -> list[str]:
    """The captures, begun with another one after each failure.

    `for_each_capture` ends at the first that the provider does not answer for. Were that always the same one, as with a
    file its server cannot read, those behind it would never be asked for.
    """
    start = failures % len(captures) if captures else 0
    return [*captures[start:], *captures[:start]]


def for_each_capture(captures: Iterable[str], do: Callable[[str], object]) -> dict[str, Trouble]:
    """Do something for each capture; what went wrong, by capture.

    A provider that does not answer is away: it is not asked about the captures that are left.
    """
    troubles: dict[str, Trouble] = {}
    for one in captures:
        try:
            do(one)
        except (DeliveryFailed, ProviderError) as error:
            troubles[one] = error
            if isinstance(error, Unavailable):
                break
    return troubles


def most_severe(troubles: Mapping[str, Trouble], also: Iterable[str]) -> Trouble:
    """The one to raise, with the captures it is about.

    What may pass comes first, and an outage before all, as it says when to come back. What never passes comes last: it
    ends the order, and must not while something else may still come.

    Args:
        troubles: By capture; at least one.
        also: Further captures that are not home.
    """
    rank = {
        one: (isinstance(error, UnsafeAsset), not isinstance(error, Unavailable)) for one, error in troubles.items()
    }
    first = min(troubles, key=rank.__getitem__)
    others = [one for one in (*troubles, *also) if one != first]
    shown = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
    about = f"capture {first} (not home either: {shown})" if others else f"capture {first}"
    error = troubles[first]
    if isinstance(error, ProviderError):
        error.message = f"{about}: {error.message}"
        return error
    text = f"{about}: {error}"
    if isinstance(error, UnsafeAsset):
        text += (
            ". Nothing of it was kept. Ask the provider about it; Retry on this run fetches it again and "
            "goes on with what is still to come."
        )
    named = type(error)(text)
    named.__cause__ = error
    return named

"""What people were told when they cancelled an order, against what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ENDS = ("COMPLETED", "FAILED", "CANCELLED")
"""States of a run that has come to its end. A crashed one has not: nobody was told anything, and it is brought back."""

_BEFORE, _AT, _NOT = "before it was ordered", "at the provider", "not cancelled"
_UNDER_WAY, _UNCLEAR, _ENDED, _NO_ORDER, _OUR_SIDE = "under way", "unclear", "already ended", "no order", "our side"

_WORDS = {
    "Order {} was cancelled before anything was ordered": _BEFORE,
    "Order {} was cancelled at ": _AT,
    "Order {} was not cancelled and goes on": _NOT,
    "Order {} has a request under way whose outcome is not known yet": _UNDER_WAY,
    "Order {}: not known whether it was cancelled; run this again": _UNCLEAR,
    "Order {} has already ended": _ENDED,
    "Order {} was ended on our side": _OUR_SIDE,
    "reference: {}: the ledger has no such order": _NO_ORDER,
}
"""How the answers of cancel-order begin."""

_YES = (_BEFORE, _AT)
_PERHAPS = (*_YES, _UNDER_WAY, _UNCLEAR, _ENDED)


def may_be_cancelled(reference: str, cancels: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an order may end as cancelled: somebody cancelled it, and was not told that it goes on."""
    return any(_told(reference, run) in _PERHAPS for run in cancels)


def untrue(
    reference: str,
    provider: str,
    cancels: Sequence[Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
    paid: Mapping[str, bool],
) -> list[str]:
    """What people who cancelled an order were told and is not so, and those who were told nothing.

    Args:
        reference: The order's.
        provider: Its provider's name.
        cancels: The runs of cancel-order for it, as Prefect tells them.
        runs: The runs of the order.
        paid: What costs money and was made for it, by the provider's id: whether the provider called it off.
    """
    found = []
    cancelled = any(run["state_type"] == "CANCELLED" for run in runs)
    for run in cancels:
        message, told = message_of(run), _told(reference, run)
        if run["state_type"] not in ENDS:
            found.append(f"the cancel run {run['id']} stands {run['state_name']}: {message}")
            continue
        why = []
        if told == "":
            why.append("words that the judge does not know")
        if told == _OUR_SIDE:
            why.append("nobody asked for that")
        if told in _YES and not cancelled:
            why.append("no run of the order ended as cancelled")
        if told == _BEFORE and paid:
            why.append(f"{', '.join(paid)} was made")
        if told == _AT:
            if not any(f" was cancelled at {provider}: request {one}." in message for one in paid):
                why.append("it names no request that was made")
            if standing := [one for one, called_off in paid.items() if not called_off]:
                why.append(f"{', '.join(standing)} stands at the provider")
        found += [f"told {message!r}: {one}" for one in why]
    return found


def message_of(run: Mapping[str, Any]) -> str:
    """The message of a run's state."""
    return str(run["state"]["message"] or "")


def _told(reference: str, run: Mapping[str, Any]) -> str:
    """What somebody was told; empty for words that are not known here."""
    message = message_of(run)
    ended, _, outcome = message.partition(" has already ended: ")
    if ended == f"Order {reference}" and (meaning := _meaning(reference, outcome)):
        return meaning  # an earlier cancel's words
    if meaning := _meaning(reference, message):
        return meaning
    return "" if run["state_type"] == "COMPLETED" else _UNCLEAR  # what an exception says is no answer


def _meaning(reference: str, said: str) -> str:
    return next((meaning for words, meaning in _WORDS.items() if said.startswith(words.format(reference))), "")

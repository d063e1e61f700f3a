"""The judge: what the providers made and published, and what lies in the archive. Never the project's own word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from chaos.archive import wrong_files
from chaos.cancels import ENDS, may_be_cancelled, message_of, untrue
from chaos.orders import TestOrder
from chaos.spending import uncounted
from chaos.wide import bought_too_much, covers_too_little
from devstack.kits import KITS
from devstack.stack import Stack

__all__ = ["ENDS", "Checker", "Verdict", "lost"]

_OWNER = re.compile(r"reference: .*: (?:owned by )?flow run (\S+) (?:\(|took it over)")
"""How a run that came second says which run has the order."""


class Verdict(BaseModel):
    """What became of one order.

    Attributes:
        subject: The order.
        end: How its run ended, with its message.
        made: What the provider made for its reference.
        duplicates: How much more the provider made than one of each.
        lost: Why it counts as lost; empty when it does not.
        untrue: What a person who cancelled it was told and is not so.
        wrong_files: Files that are missing, too many or not the provider's bytes, and what is wrong in the catalog.
    """

    subject: TestOrder
    end: str = ""
    made: dict[str, int] = Field(default_factory=dict)
    duplicates: int = 0
    lost: str = ""
    untrue: list[str] = Field(default_factory=list)
    wrong_files: list[str] = Field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong with it."""
        return not (self.duplicates or self.lost or self.untrue or self.wrong_files)


class Checker:
    """Judges the orders of one stack, once they had their time.

    Args:
        stack: Still running.
        orders: Each order by its reference, JSON, as it was placed.
    """

    def __init__(self, stack: Stack, orders: Mapping[str, Mapping[str, Any]]) -> None:
        self._stack, self._orders = stack, orders
        self._summaries = {name: kit.summary(stack.sim) for name, kit in KITS.items()}

    def verdict(self, subject: TestOrder, run_ids: Sequence[str], cancel_ids: Sequence[str] = ()) -> Verdict:
        """What became of an order, of all the runs that were started for it, and of those that were to cancel it."""
        kit, summary, reference = KITS[subject.provider], self._summaries[subject.provider], subject.reference
        labels = self._labels(subject)
        made, paid = kit.made(summary, reference), kit.paid_for(summary, reference)
        for one in labels:
            made |= {f"{kind} of {one}": count for kind, count in kit.made(summary, one).items() if count}
            paid |= kit.paid_for(summary, one)
        runs = [self._stack.api.run(one) for one in run_ids]
        cancels = [self._stack.api.run(one) for one in cancel_ids]
        published = [what for one in (reference, *labels) for what in kit.published(self._stack.sim, one)]
        extra, hole = self._of_a_set(subject)
        chief = next((run for run in runs if run["state_type"] in ("COMPLETED", "CANCELLED")), runs[0])
        return Verdict(
            subject=subject,
            end=f"{chief['state_type']}: {message_of(chief)}",
            made=made,
            duplicates=sum(max(0, count - 1) for count in made.values()) + extra,
            lost=lost(
                runs,
                made,
                [one for one, called_off in paid.items() if not called_off],
                published=len(published),
                cancelled=may_be_cancelled(reference, cancels),
            )
            or (hole if chief["state_type"] == "COMPLETED" and not cancels else ""),
            untrue=untrue(reference, subject.provider, cancels, runs, paid),
            wrong_files=wrong_files(published, self._stack.archive / reference),
        )

    def _of_a_set(self, subject: TestOrder) -> tuple[int, str]:
        """Of an order of a wide area: captures bought too often, and what is missing of those it was to have."""
        if not subject.wide:
            return 0, ""
        requests = [one for one in self._summaries[subject.provider]["requests"] if subject.owns(one["name"])]
        order = self._orders[subject.reference]
        return bought_too_much(requests, order), covers_too_little(requests, order)

    def _labels(self, subject: TestOrder) -> list[str]:
        """What else than its reference the order's creates carry, as the provider has it."""
        summary, kit = self._summaries[subject.provider], KITS[subject.provider]
        found = {one for name in kit.creates for one in summary[name] if subject.owns(one)}
        return sorted(found - {subject.reference})

    def _known(self, subjects: Sequence[TestOrder]) -> set[str]:
        return {one for subject in subjects for one in (subject.reference, *self._labels(subject))}

    def strangers(self, subjects: Sequence[TestOrder]) -> list[str]:
        """What the providers made for nobody's reference."""
        known = self._known(subjects)
        return [
            f"{provider} {name}: {one!r}"
            for provider, kit in KITS.items()
            for name in kit.creates
            for one in self._summaries[provider][name]
            if one not in known
        ]

    def spending(self, subjects: Sequence[TestOrder]) -> list[str]:
        """Where calls that created something, what is there, the orders and what was paid do not agree."""
        known = self._known(subjects)
        found = []
        for provider, kit in KITS.items():
            summary = self._summaries[provider]
            found += [f"{provider}: {one}" for one in kit.spending(summary, known)]
            for name, path in kit.creates.items():
                there = summary[name]
                asked = self._stack.sim.get("/_sim/journal", params={"method": "POST", "path": path})
                calls = asked.raise_for_status().json()["calls"]
                orders = sum(bool(there.get(one)) for one in known)
                found += [f"{provider} {name}: {one}" for one in uncounted(calls, there, orders)]
        return found


def lost(
    runs: Sequence[Mapping[str, Any]],
    made: Mapping[str, int],
    standing: Sequence[str],
    *,
    published: int,
    cancelled: bool,
) -> str:
    """Why an order counts as lost; empty when it does not.

    It has to be delivered, by one run; any other run must have failed because that one owns the order. One that a
    person cancelled may also end as cancelled, also by one run: then nothing of it may stand at the provider.

    Args:
        runs: All that were started for it, as Prefect tells them.
        made: What the provider made for its reference, how many of each.
        standing: The ids of what was asked for and the provider has not called off.
        published: How many files the provider published for it.
        cancelled: Whether a person cancelled it and was not told that it goes on.
    """
    for run in runs:
        if run["state_type"] not in ENDS:
            return f"run {run['id']} stands {run['state_name']}: {message_of(run)}"
    said = "; ".join(f"{run['state_type']}: {message_of(run)}" for run in runs)
    owners = [run for run in runs if run["state_type"] in ("COMPLETED", "CANCELLED")]
    if len(owners) != 1:
        return f"{len(owners)} runs say that they ended it: {said}" if owners else said
    owner = owners[0]
    for run in runs:
        if run is not owner and _owner_named_by(run) != owner["id"]:
            return f"run {run['id']} failed for another reason than that {owner['id']} owns the order: {said}"
    if owner["state_type"] == "CANCELLED":
        if not cancelled:
            return f"cancelled, and nobody who cancelled it was told so: {said}"
        return f"cancelled, and {', '.join(standing)} stands at the provider: {said}" if standing else ""
    if not all(made.values()):
        return "completed, and the provider made nothing"
    return "" if published else "completed, and the provider published nothing"


def _owner_named_by(run: Mapping[str, Any]) -> str | None:
    named = _OWNER.search(message_of(run))
    return named[1] if named else None

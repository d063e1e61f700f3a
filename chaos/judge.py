"""The judge: what the providers made and published, and what lies in the archive. Never the project's own word."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from chaos.order import PROVIDERS, Subject
from demo.stack import Stack

LOCK = ".lock"
ENDS = ("COMPLETED", "FAILED", "CANCELLED")

_MADE = {
    "axelglobe": ("plans_by_name", "requests_by_name"),
    "iceye": ("tasks_by_reference",),
    "satellogic": ("tasks_by_name",),
}

_PAID = {"axelglobe": ("requests", "id"), "iceye": ("tasks", "id"), "satellogic": ("tasks", "task_id")}
"""What costs money at each provider, and how it is named there."""

_CALLED_OFF = ("CANCELED", "canceled")


class Verdict(BaseModel):
    """What became of one order.

    Attributes:
        subject: The order.
        end: How its run ended, with its message.
        made: What the provider made for its reference.
        duplicates: How much more the provider made than one of each.
        lost: Why it counts as lost; empty when it does not.
        wrong_files: Files that are missing, too many or not the provider's bytes.
    """

    subject: Subject
    end: str = ""
    made: dict[str, int] = Field(default_factory=dict)
    duplicates: int = 0
    lost: str = ""
    wrong_files: list[str] = Field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong with it."""
        return not (self.duplicates or self.lost or self.wrong_files)


class Judge:
    """Judges the orders of one stack, once they had their time.

    Args:
        stack: Still running.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._summaries = {one: stack.sim.get(f"/_sim/{one}").raise_for_status().json() for one in PROVIDERS}

    def verdict(self, subject: Subject, run_ids: list[str]) -> Verdict:
        """What became of an order, and of all the runs that were started for it."""
        verdict = Verdict(subject=subject, made=self._made(subject))
        verdict.duplicates = sum(max(0, count - 1) for count in verdict.made.values())
        runs = [self._stack.api.run(one) for one in run_ids]
        ends = [run["state_type"] for run in runs]
        chief = runs[ends.index("COMPLETED")] if "COMPLETED" in ends else runs[0]
        verdict.end = f"{chief['state_type']}: {chief['state']['message']}"
        verdict.lost = lost(runs, verdict.made, self._standing(subject), cancelled="cancelled" in subject.acts)
        verdict.wrong_files = self._wrong_files(subject, delivered="COMPLETED" in ends)
        return verdict

    def strangers(self, subjects: list[Subject]) -> list[str]:
        """What the providers made for nobody's reference, and credits spent without a request."""
        known = {subject.reference for subject in subjects}
        found = []
        for provider, lists in _MADE.items():
            for name in lists:
                found += [f"{provider} {name}: {one!r}" for one in self._summaries[provider][name] if one not in known]
        summary = self._summaries["axelglobe"]
        asked = sum(len(ids) for ids in summary["requests_by_name"].values())
        if summary["credits_spent"] != asked:
            found.append(f"axelglobe: {summary['credits_spent']} credits for {asked} requests")
        return found

    def _made(self, subject: Subject) -> dict[str, int]:
        summary = self._summaries[subject.provider]
        return {name: len(summary[name].get(subject.reference, [])) for name in _MADE[subject.provider]}

    def _standing(self, subject: Subject) -> list[str]:
        """What the provider was asked for under a reference and has not called off."""
        summary = self._summaries[subject.provider]
        ids = summary[_MADE[subject.provider][-1]].get(subject.reference, [])
        kind, name = _PAID[subject.provider]
        return [str(one[name]) for one in summary[kind] if one[name] in ids and one["status"] not in _CALLED_OFF]

    def _wrong_files(self, subject: Subject, *, delivered: bool) -> list[str]:
        asked = {"reference": subject.reference}
        answer = self._stack.sim.get(f"/_sim/{subject.provider}/files", params=asked)
        folder = self._stack.archive / subject.reference
        return wrong_files(answer.raise_for_status().json(), folder, delivered=delivered)


def lost(runs: list[dict[str, Any]], made: dict[str, int], standing: list[str], *, cancelled: bool) -> str:
    """Why an order counts as lost; empty when it does not.

    It has to be delivered, by one run. One that a person cancelled may also end as cancelled: then the provider must
    have called off what was asked for, or the end must name it.

    Args:
        runs: All that were started for it, as Prefect tells them.
        made: What the provider made for its reference, how many of each.
        standing: The ids of what was asked for and the provider has not called off.
        cancelled: Whether a person cancelled it.
    """
    for run in runs:
        if run["state_type"] not in ENDS:
            return f"run {run['id']} stands {run['state_name']}: {run['state']['message']}"
    ends = Counter(run["state_type"] for run in runs)
    said = "; ".join(f"{run['state_type']}: {run['state']['message']}" for run in runs)
    if ends["COMPLETED"] > 1:
        return f"{ends['COMPLETED']} runs say that they completed it"
    if ends["COMPLETED"]:
        return "" if all(made.values()) else "completed, and the provider made nothing"
    if not cancelled or not ends["CANCELLED"]:
        return said
    unsaid = [one for one in standing if one not in said]
    return f"cancelled without a word of {', '.join(unsaid)}, which stands at the provider: {said}" if unsaid else ""


def wrong_files(published: list[dict[str, Any]], folder: Path, *, delivered: bool = True) -> list[str]:
    """What is missing in an order's folder, and what is there that the provider never published.

    Args:
        published: ``size`` and ``sha256`` of each file, as the provider tells them.
        folder: The order's, in the archive.
        delivered: Whether the order says that all is there; otherwise only what is there is judged.
    """
    if delivered and not (folder / "catalog.json").is_file():
        return ["catalog.json is missing"]
    promised = Counter((one["size"], one["sha256"]) for one in published)
    there = Counter(_facts(path) for path in folder.rglob("*") if path.is_file() and not _ours(folder, path))
    missing = [f"missing: {size} bytes, {digest[:12]}" for size, digest in (promised - there).elements()]
    return missing * delivered + [
        f"not the provider's: {size} bytes, {digest[:12]}" for size, digest in there - promised
    ]


def _ours(folder: Path, path: Path) -> bool:
    """Whether a file is our catalog, one of our items or the folder's lock, and not something that was delivered."""
    if path == folder / LOCK:
        return True
    if path.suffix != ".json":
        return False
    if path == folder / "catalog.json":
        return True
    return path.parent.parent == folder and "stac_version" in json.loads(path.read_bytes())


def _facts(path: Path) -> tuple[int, str]:
    data = path.read_bytes()
    return len(data), hashlib.sha256(data).hexdigest()

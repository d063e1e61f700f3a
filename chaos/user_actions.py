"""What people do to their orders while these are under way, and when."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import NamedTuple

import httpx

from chaos.action_plan import INTENT, cancel_plan
from chaos.campaign import Campaign
from chaos.cancels import ENDS
from chaos.orders import Moment, TestOrder
from chaos.trace import FOLDER, ORDER, Trace

LOOK_SECONDS = 5.0
"""How often it is looked whether a run has ended."""

CANCEL_TRIES = 3
"""How often a person runs cancel-order for an order, at most."""

_ASKED_AGAIN = ("run this again", "encountered an exception")
_STRUCK_CANCELS = 1 / 3


class _Wish(NamedTuple):
    act: str
    moment: Moment
    subject: TestOrder


class Pair(Campaign):
    """A campaign in which some orders are sent by two people in the same second."""

    def start(self, subject: TestOrder, key: str) -> None:
        """Start a run, and its twin with it."""
        super().start(subject, key)
        if ("twin", "in the same second") in zip(subject.acts, subject.moments, strict=True):
            super().start(subject, _twin(subject))


class UserActions:
    """Do what the orders' acts say, each at its moment; a cancel again when its run died or asks for it.

    A cancel's run that is seen crashed while all is calm, or says that it has to be run again, is run again by its
    person, whatever the watcher does meanwhile. All of an order's cancels are kept, and all have to come to an end.

    Args:
        campaign: Whose orders.
        chance: Decides when, and which cancels are struck.
        count: Where it is noted.
    """

    def __init__(self, campaign: Campaign, chance: random.Random, count: Counter[str]) -> None:
        self._campaign, self._stack, self._chance, self._count = campaign, campaign.stack, chance, count
        self._timed: list[tuple[float, _Wish]] = []
        self._waiting: list[_Wish] = []
        self._struck: dict[str, Trace] = {}
        self._subjects: dict[str, TestOrder] = {}
        self._look = 0.0

    def want(self, subjects: list[TestOrder], storm_seconds: float) -> None:
        """Take up what the orders' acts say; the first storm begins now."""
        for subject in subjects:
            self._subjects[subject.reference] = subject
            if "cancelled" in subject.acts and self._chance.random() < _STRUCK_CANCELS:
                trace = self._struck[subject.reference] = Trace(self._campaign.folder, _cancel_of(subject.reference))
                trace.prepare(cancel_plan(subject.provider, self._chance))
            for act, moment in zip(subject.acts, subject.moments, strict=True):
                if moment == "in the same second":
                    self._count[f"by people: {act}, {moment}"] += 1  # placed so
                elif moment == "in the first storm":
                    self._at_some_time(_Wish(act, moment, subject), storm_seconds)
                else:
                    self._waiting.append(_Wish(act, moment, subject))

    def time_jumped(self, storm_seconds: float) -> None:
        """The provider's time has jumped, and a storm begins."""
        for wish in [one for one in self._waiting if one.moment == "after the jump"]:
            self._waiting.remove(wish)
            self._at_some_time(wish, storm_seconds)

    def tick(self, *, calm: bool) -> None:
        """Do what is due; cancels are run again only when all is calm."""
        now = time.monotonic()
        look = now >= self._look
        if look:
            self._look = now + LOOK_SECONDS
        try:
            due = [one for one in self._waiting if self._is_due(one, look)]
            if look and calm:
                self._cancel_again()
        except (httpx.TransportError, RuntimeError):  # asked again at the next look
            return
        self._waiting = [one for one in self._waiting if one not in due]
        self._timed += [(now, one) for one in due]
        due_now = [one for at, one in self._timed if at <= now]
        self._timed = [(at, one) for at, one in self._timed if at > now]
        for wish in due_now:
            self._do(wish)

    def hurry(self) -> None:
        """All runs have ended: what nobody did yet is done at the next tick."""
        self._timed = [(0.0, wish) for _, wish in self._timed] + [(0.0, wish) for wish in self._waiting]
        self._waiting = []

    def busy(self) -> bool:
        """Whether somebody still wants something, or a cancel has not come to its end."""
        try:
            return bool(self._timed or self._waiting or any(map(self._open, self._campaign.cancels)))
        except (httpx.TransportError, RuntimeError):
            return True

    def cancels_struck(self) -> Counter[str]:
        """What hit runs of cancel-order from inside, and how often."""
        return Counter(
            f"cancel-order: {fault.kind} ({fault.at.kind})" for one in self._struck.values() for fault in one.hits()
        )

    def _at_some_time(self, wish: _Wish, within_seconds: float) -> None:
        self._timed.append((time.monotonic() + self._chance.uniform(1, within_seconds), wish))

    def _is_due(self, wish: _Wish, look: bool) -> bool:
        reference = wish.subject.reference
        if wish.moment == "at the announcement":
            return INTENT in self._campaign.points(reference)
        if wish.moment == "after the end":
            others = [*self._waiting, *(one for _, one in self._timed)]
            last = all(one is wish or one.subject.reference != reference for one in others)
            return look and last and self._state(self._campaign.runs[reference][0]) in ENDS
        return False

    def _state(self, run_id: str) -> str:
        return str(self._stack.api.run(run_id)["state_type"])

    def _do(self, wish: _Wish) -> None:
        """Act; again at the next tick when there is no answer."""
        try:
            self._act(wish.act, wish.subject)
        except httpx.TransportError:
            self._timed.append((0.0, wish))
        except RuntimeError:  # an answer, and a bad one
            self._count[f"refused by Prefect: {wish.act}"] += 1
        else:
            self._count[f"by people: {wish.act}, {wish.moment}"] += 1

    def _act(self, act: str, subject: TestOrder) -> None:
        if act == "twin":
            self._campaign.start(subject, _twin(subject))
        elif act == "sent twice":
            self._campaign.start(subject, subject.reference)
        elif act == "cancelled":
            self._cancel(subject)
        else:
            state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Pressed by a person"}
            body = {"state": state, "force": act == "rescheduled"}
            run_id = self._campaign.runs[subject.reference][0]
            self._stack.api.ask("POST", f"/flow_runs/{run_id}/set_state", json=body)

    def _cancel(self, subject: TestOrder) -> None:
        """Run cancel-order; the first time, for some, with faults of its own."""
        reference, known = subject.reference, self._campaign.cancels.get(subject.reference, [])
        more = {}
        if not known and reference in self._struck:
            env = {FOLDER: str(self._campaign.folder), ORDER: _cancel_of(reference)}
            more = {"job_variables": {"env": env}}
        key = f"cancel {len(known) + 1} of {reference}"  # the same run, should the answer not arrive
        deployment = self._stack.deployments["cancel-order/cancel"]
        run_id = self._stack.api.start(deployment, {"reference": reference, "dry_run": False}, key, **more)
        self._campaign.cancels.setdefault(reference, []).append(run_id)

    def _cancel_again(self) -> None:
        for reference, ids in list(self._campaign.cancels.items()):
            if len(ids) < CANCEL_TRIES and self._asks_again(ids[-1]):
                self._cancel(self._subjects[reference])
                self._count["by people: cancel-order run again"] += 1

    def _open(self, reference: str) -> bool:
        """Whether a cancel of this order has not come to its end, or is to be run again."""
        ids = self._campaign.cancels[reference]
        if any(self._state(one) not in ENDS for one in ids):
            return True
        return len(ids) < CANCEL_TRIES and self._asks_again(ids[-1])

    def _asks_again(self, run_id: str) -> bool:
        """Whether a person who looks at a cancel's run now will run cancel-order once more."""
        run = self._stack.api.run(run_id)
        if run["state_type"] == "FAILED":
            return any(words in (run["state"]["message"] or "") for words in _ASKED_AGAIN)
        return str(run["state_type"]) == "CRASHED"


def _twin(subject: TestOrder) -> str:
    return f"twin of {subject.reference}"


def _cancel_of(reference: str) -> str:
    return f"{reference}.cancel"

"""Seeded stories of orders for several accounts, under faults: by the providers' own count never two paid at once.

The suite tells a few. ``ANYWHERE_STORIES=100`` (and ``ANYWHERE_FIRST=1``) tells so many, from that seed on;
``ANYWHERE_KEPT`` names a file that is told what was bought in each, a line of JSON each.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun

from flows.order_anywhere import order_anywhere
from tasking.simulator import Simulator, serve
from tests.support.fixtures import installed
from tests.support.killed import killed_after
from tests.support.local_installation import LocalInstallation, blocks_in_memory
from tests.support.order_kinds import KINDS
from tests.support.paid_requests import PaidRequests, paid_requests

FIRST = int(os.environ.get("ANYWHERE_FIRST", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("ANYWHERE_STORIES", "4")))
ACCOUNTS = ("axelglobe", "iceye", "satellogic")
MOST_TURNS = 250

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "reset_after", "method": "POST"},
    {"kind": "reset_before", "method": "POST"},
    {"kind": "status", "code": 503, "method": "POST", "after_acting": True},
    {"kind": "status", "code": 500, "method": "POST"},
    {"kind": "status", "code": 503, "times": 4},
    {"kind": "status", "code": 429, "method": "GET", "times": 2},
    {"kind": "malformed", "method": "GET"},
    {"kind": "malformed", "method": "POST", "how": "html"},
    {"kind": "reset_after", "method": "PATCH"},
)
"""Without the calls for tokens and files, see `PATHS`."""

PATHS = ("/wfs/*", "/iceye/api/*", "/satellogic/t*")

DECISIONS = {"axelglobe": ("REJECTED",), "iceye": ("REJECTED", "FAILED"), "satellogic": ("rejected", "failed")}


def wish(chance: Random, installation: LocalInstallation) -> dict[str, Any]:
    """Two or three accounts in any order; some for two at once, some with a deadline of their own."""
    orders = []
    for name in chance.sample(ACCOUNTS, chance.choice((2, 3, 3))):
        order = KINDS[name].order(installation).model_dump(mode="json", exclude={"reference"})
        if name == "axelglobe":
            order["on_rejection"] = chance.choice(("wait", "next-candidate", "next-candidate"))
        orders.append(order)
    needed_by = installation.simulator.clock.now() + timedelta(days=chance.uniform(4, 9))
    return {
        "name": "Bay",
        "reference": "need",
        "orders": orders,
        "mix_sensors": True,
        "choose_by": chance.choice(("preference", "best")),
        "hedge": chance.random() < 0.3,
        "needed_by": needed_by.isoformat() if chance.random() < 0.4 else None,
    }


def disturb(chance: Random, simulator: Simulator, judge: PaidRequests) -> None:
    """What may happen before the run's next start."""
    if chance.random() < 0.35:
        fault = dict(chance.choice(FAULTS))
        simulator.fault(path=chance.choice(PATHS), skip=chance.randrange(3), **fault)
    if chance.random() < 0.1:
        simulator.switch(list_lag_seconds=chance.choice((0, 20, 90)))
    if judge.open() and chance.random() < 0.25:
        decide(chance, simulator)


def decide(chance: Random, simulator: Simulator) -> None:
    """A provider ends something of ours."""
    name = chance.choice(ACCOUNTS)
    provider = simulator.providers[name]
    kind, key = KINDS[name].kit.paid
    for one in provider.summary()[kind]:
        with suppress(ValueError, KeyError):  # it has ended already
            getattr(simulator, name).decide(one[key], chance.choice(DECISIONS[name]))


def told(seed: int, installation: LocalInstallation, judge: PaidRequests) -> tuple[dict[str, Any], FlowRun]:
    """The story: starts that may die, and what happens between them, until the run has ended."""
    chance = Random(seed)
    simulator = installation.simulator
    order = wish(chance, installation)
    run = installation.create(order_anywhere, order=order)
    for _ in range(MOST_TURNS):
        writes = chance.randrange(1, 40) if chance.random() < 0.2 else 10**9
        with killed_after(writes):
            run = installation.go_on(run.id)
            assert run.state is not None
            if run.state.is_final():
                return order, run
            installation.pass_time(run)
        disturb(chance, simulator, judge)
        assert len(judge.open()) <= (2 if order["hedge"] else 1), f"seed {seed}"
    raise AssertionError(f"seed {seed}: not at its end: {run.state}")


def keep(story: dict[str, Any]) -> None:
    """For a person who wants to see what the stories were."""
    if path := os.environ.get("ANYWHERE_KEPT"):
        with Path(path).open("a") as file:
            file.write(json.dumps(story) + "\n")


@pytest.mark.parametrize("seed", SEEDS)
def test_never_two_paid_requests_are_open_for_one_need(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKING_INLINE_WAIT_SECONDS", "0")
    with (
        serve(seed=seed) as simulator,
        blocks_in_memory(),
        installed(LocalInstallation, simulator, tmp_path) as installation,
        paid_requests(simulator, "need") as judge,
    ):
        assert isinstance(installation, LocalInstallation)
        order, run = told(seed, installation, judge)
        bought = judge.all()
        keep({"seed": seed, "hedge": order["hedge"], "at once": judge.most_at_once, "bought": bought})
        assert judge.most_at_once <= (2 if order["hedge"] else 1), judge.moments
        assert not [one for one in bought if one.endswith("again")], "each try is made once"
        assert run.state is not None
        record = installation.ledger.read("need")
        assert record.ended is not None
        open_here = [one.reference for one in installation.ledger.parts("need") if one.ended is None]
        assert open_here == []
        delivered = [one.reference for one in installation.ledger.parts("need") if one.delivered]
        there = {one for one, word in bought.items() if word in ("DATA_AVAILABLE", "DONE", "completed")}
        assert there <= set(delivered), "what was paid came home"
        assert run.state.is_completed() == (record.status == "completed"), run.state

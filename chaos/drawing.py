"""Which orders are struck where: every recorded point in every way, or some at random."""

from __future__ import annotations

import random
from collections.abc import Sequence

from chaos.order import Subject
from chaos.plan import ANY, EXHAUSTIVE, Plan, Strike, Way
from chaos.point import Kind
from chaos.recording import Recorded


def every_strike(recorded: Recorded) -> list[Subject]:
    """One order for each point and each way."""
    found = []
    for provider, points in recorded.items():
        strikes = [Strike(at=point, way=way) for point in points for way in EXHAUSTIVE[point.kind]]
        found += [
            Subject(reference=f"{provider}-{number:03}", provider=provider, plan=Plan(strikes=(strike,)), own_home=True)
            for number, strike in enumerate(strikes)
        ]
    return found


def at_random(recorded: Recorded, count: int, chance: random.Random, faults: tuple[int, int]) -> list[Subject]:
    """``count`` orders over all providers, each with between so many faults, drawn from the recorded points."""
    providers, found = list(recorded), []
    for number in range(count):
        provider = providers[number % len(providers)]
        points = recorded[provider]
        wanted = chance.sample(range(len(points)), chance.randint(*faults))
        strikes = tuple(Strike(at=points[one], way=_way(points[one].kind, chance)) for one in sorted(wanted))
        found.append(Subject(reference=f"{provider}-{number:04}", provider=provider, plan=Plan(strikes=strikes)))
    return found


def _way(kind: Kind, chance: random.Random) -> Way:
    return chance.choice(ANY[kind])


def batches(subjects: Sequence[Subject], size: int) -> list[list[Subject]]:
    """The orders in batches that each hold some of every provider."""
    count = max(1, -(-len(subjects) // size))
    return [list(subjects[start::count]) for start in range(count)]

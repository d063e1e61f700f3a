"""The points of an undisturbed order: recorded, not listed by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from chaos.campaign import Campaign
from chaos.fail_point import FailPoint
from chaos.orders import of_kind

Recorded = dict[str, list[FailPoint]]
"""The points of one undisturbed order of each of `chaos.orders.KINDS`."""


class NotRecorded(RuntimeError):
    """An order that nothing was done to did not end well."""


def record(
    kinds: Sequence[str],
    say: Callable[[str], object],
    database_url: str | None = None,
    timeout_seconds: float = 420.0,
) -> Recorded:
    """Carry out an undisturbed order of each kind and write down its points.

    Raises:
        NotRecorded: One of them did not end well.
    """
    with Campaign(say, database_url=database_url) as campaign:
        campaign.place([of_kind(one, f"clean-{one}", own_home=True) for one in kinds])
        campaign.follow(timeout_seconds)
        for verdict in campaign.judge().verdicts:
            if not verdict.fine:
                raise NotRecorded(verdict.model_dump_json())
        return {one: campaign.points(f"clean-{one}") for one in kinds}


def save(recorded: Recorded, file: Path) -> None:
    """Keep recorded points for a later run."""
    lines = [f"{kind}\t{point.model_dump_json()}\n" for kind, points in recorded.items() for point in points]
    file.write_text("".join(lines))


def load(file: Path) -> Recorded:
    """Points kept by `save`."""
    recorded: Recorded = {}
    for line in file.read_text().splitlines():
        kind, _, point = line.partition("\t")
        recorded.setdefault(kind, []).append(FailPoint.model_validate_json(point))
    return recorded

"""The runs that were started for a site."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.sorting import FlowRunSort

from tasks.recovery.recover_runs import may_be_recovered
from tasks.recovery.runs import read_runs
from tasks.step import step

RECENT = 200
"""How many of a site's runs are looked at."""


class SiteRun(NamedTuple):
    """A run that was started for a site.

    Attributes:
        reference: Of the order it was started with.
        over: It has come to its end.
        crashed: Its process died, or Prefect did not take its end; `watch-orders` starts it again.
    """

    id: UUID
    reference: str
    over: bool
    crashed: bool


@step("site-runs")
def site_runs(tag: str, provider: str) -> list[SiteRun]:
    """The runs of this provider's orders with this tag, in whatever state, the one that was created last first."""
    with get_client(sync_client=True) as client:
        runs = read_runs(
            client, [f"order-{provider}"], tags={"all_": [tag]}, sort=FlowRunSort.EXPECTED_START_TIME_DESC, most=RECENT
        )
    # Prefect cannot sort by creation, and a run that is tried again starts later than ones that were created after it
    runs.sort(key=lambda run: (run.created is not None, run.created, run.id), reverse=True)
    return [
        SiteRun(
            run.id,
            _reference(run.parameters.get("order")),
            over=run.state is not None and run.state.is_final(),
            crashed=run.state is not None and may_be_recovered(run.state),
        )
        for run in runs
    ]


def _reference(order: object) -> str:
    return str(order.get("reference") or "") if isinstance(order, dict) else ""


def site_tag(site: str) -> str:
    """What each run that was started for this site is tagged with."""
    return f"site:{site_slug(site)}"


def site_slug(site: str) -> str:
    """The site as part of a reference; what is lost on the way is made up for, so that two sites never share one."""
    plain = re.sub(r"[^a-z0-9]+", "-", site.lower()).strip("-")[:50] or "site"
    return plain if plain == site else f"{plain}-{hashlib.sha256(site.encode()).hexdigest()[:6]}"

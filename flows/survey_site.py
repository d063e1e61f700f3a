"""Order an image of a named site, each time the schedule says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import BeforeValidator, Field

from flows.pinned import pinned
from tasking.axelglobe import AxelGlobeOrder
from tasking.clock import utc_now
from tasking.display_text import display_text, one_spelling
from tasking.ledger import Filter
from tasking.lock import locked
from tasking.paths import state_dir
from tasking.waiting import format_utc
from tasking.window import Window
from tasks.site_runs import site_runs, site_slug, site_tag
from tasks.start import start
from tasks.step import ledger


def _as_meant(order: object) -> object:
    """The order as a person wrote it: of a schedule, Prefect keeps a JSON field wrapped as its form sent it."""
    if not isinstance(order, dict):
        return order
    if order.get("__prefect_kind") == "json":
        return json.loads(str(order.get("value")))
    return {name: _as_meant(value) for name, value in order.items()}


LOCK_SECONDS = 120.0
"""How long one turn waits for another of the same site."""


def _run_name() -> str:
    return f"survey {flow_run.parameters.get('site')}"[:200]


@pinned("survey-site", flow_run_name=_run_name)
def survey_site(
    site: str,
    order: Annotated[AxelGlobeOrder, BeforeValidator(_as_meant)],
    starts_in_hours: Annotated[float, Field(ge=0, le=24 * 366)] = 24.0,
) -> State[Any]:
    """Start an order for a site, with a window that rolls on: give this deployment a schedule.

    A site has one open order at a time: while the last one is still open, nothing is ordered and the run says so.

    Args:
        site: Name of the place; part of each order's reference.
        order: What to order each time. Its window gives the length only: each order's window starts
            ``starts_in_hours`` after the scheduled time. Its reference and site are set for each order.
        starts_in_hours: Lead time of each window.
    """
    site = one_spelling(display_text("site", site, 80))  # as the order has it, by which it is found while it is open
    with locked(state_dir() / f"survey-{site_slug(site)}.lock", LOCK_SECONDS):  # late turns come all at once
        return _one_order(site, order, starts_in_hours)


def _one_order(site: str, order: AxelGlobeOrder, starts_in_hours: float) -> State[Any]:
    tag = site_tag(site)
    scheduled = flow_run.scheduled_start_time  # of a class of Prefect's own, whose members are deprecated
    planned = utc_now() if scheduled is None else datetime.fromtimestamp(scheduled.timestamp(), UTC)
    reference = f"{site_slug(site)}-{planned:%Y%m%dT%H%M%S}"
    # Read before all else: of two machines whose turns come at once, the later one either sees what the other has
    # started, or starts after the same last run, and that gives the same run.
    before = site_runs(tag)
    with ledger() as book:
        ordered = book.find(reference) is not None or any(run.reference == reference for run in before)
        under_way = next(
            (run.id for run in before if not run.over or (run.crashed and book.find(run.reference) is None)), None
        )
        still_open = book.orders(Filter(site=site, open_only=True, limit=1))
    if still_open:
        it = still_open[0]
        return Completed(
            message=f"Nothing ordered: {it.reference} of {format_utc(it.created)} is still open "
            f"({it.waits_message or 'at work'})"
        )
    if under_way is not None:  # started, and not in the ledger yet
        return Completed(message=f"Nothing ordered: run {under_way} for this site is still under way")
    if ordered:
        return Completed(message=f"Nothing ordered: this turn ordered {reference} before")
    begin = planned.replace(microsecond=0) + timedelta(hours=starts_in_hours)
    window = Window(start=begin, end=begin + order.window.length)
    this_one = {**order.model_dump(mode="json"), "reference": reference, "site": site}
    this_one["window"] = window.model_dump(mode="json")
    run = start(order.provider, this_one, f"{tag} after {before[0].id if before else 'none'}", [tag])
    if (made := next((one for one in site_runs(tag) if one.id == run), None)) and made.reference != reference:
        return Completed(message=f"Nothing ordered: another turn started {made.reference} in this moment (run {run})")
    return Completed(
        message=f"Order {reference} started: {format_utc(window.start)} to {format_utc(window.end)} (run {run})"
    )

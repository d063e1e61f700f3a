"""Order images of a named site, each time the schedule says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows.any_order import AnyOrder, as_meant, kind_of
from flows.ending import ended
from flows.order import scheduled_start
from flows.pinned import pinned
from tasking.display_text import display_text, one_spelling
from tasking.errors import InvalidOrder
from tasking.ledger import Filter, Ledger
from tasking.lock import locked
from tasking.order import Order, order_from
from tasking.paths import state_dir
from tasking.waiting import format_utc
from tasking.window import Window, is_relative
from tasks.site_runs import site_runs, site_slug, site_tag
from tasks.start import start
from tasks.step import ledger

LOCK_SECONDS = 120.0
"""How long one turn waits for another of the same site."""

MOST_HOURS = 24 * 366


def _run_name() -> str:
    return f"survey {flow_run.parameters.get('site')}"[:200]


@pinned("survey-site", validate_parameters=False, flow_run_name=_run_name)
def survey_site(
    site: str,
    order: AnyOrder,
    starts_in_hours: Annotated[float, Field(ge=0, le=MOST_HOURS)] = 24.0,
    more_orders: list[AnyOrder] = [],  # noqa: B006 # never changed; a form shows it as an empty list
) -> State[Any]:
    """Start orders for a site, with a window that rolls on: give this deployment a schedule.

    A site has one open order of each provider at a time: while the last one is still open, nothing is ordered from that
    provider, and the run says so.

    Args:
        site: Name of the place; part of each order's reference.
        order: What to order each time; its account tells from whom. Its window counts from the scheduled time, as its
            fields 'Starts in' and 'Lasts' say. Of a window with start and end only the length is taken: it starts
            ``starts_in_hours`` after the scheduled time. Its reference and site are set for each order.
        starts_in_hours: Lead time of each window that was given with start and end.
        more_orders: The same for further providers; one order of each.
    """
    planned = scheduled_start()
    try:
        site = one_spelling(
            display_text("site", site, 80)
        )  # as the order has it, by which it is found while it is open
        wishes = list(_rolled([order, *more_orders], planned, _lead(starts_in_hours)))
    except InvalidOrder as error:
        return ended(Failed(message=f"Nothing ordered: {error}"))
    with locked(state_dir() / f"survey-{site_slug(site)}.lock", LOCK_SECONDS):  # late turns come all at once
        turns = [_one_order(site, one, planned) for one in wishes]
    return Completed(message="; ".join(turns))


def _lead(hours: Any) -> timedelta:
    is_number = isinstance(hours, int | float) and not isinstance(hours, bool)
    if not is_number or not 0 <= hours <= MOST_HOURS:
        raise InvalidOrder("starts_in_hours", hours, f"give hours from 0 to {MOST_HOURS}")
    return timedelta(hours=hours)


def _rolled(orders: list[Any], planned: datetime, lead: timedelta) -> Iterator[Order]:
    """The orders of this turn.

    Raises:
        InvalidOrder: One cannot be placed as it is, or two are for one provider.
    """
    seen = set[str]()
    for given in map(as_meant, orders):
        kind = kind_of(given)
        order = order_from(kind, given, planned)
        if not (isinstance(given, Mapping) and is_relative(given.get("window"))):
            begin = planned.replace(microsecond=0) + lead
            window = Window(start=begin, end=begin + order.window.length)
            said = order.model_dump(mode="json") | {"window": window.model_dump(mode="json")}
            order = order_from(kind, said)
        if order.provider in seen:
            raise InvalidOrder("more_orders", order.provider, "a site has one order of each provider; name each once")
        seen.add(order.provider)
        yield order


def _one_order(site: str, order: Order, planned: datetime) -> str:
    tag, provider = site_tag(site), order.provider
    turn = f"{planned:%Y%m%dT%H%M%S}"
    reference = f"{site_slug(site)}-{provider}-{turn}"
    # Read before all else: of two machines whose turns come at once, the later one either sees what the other has
    # started, or starts after the same last run, and that gives the same run.
    before = site_runs(tag, provider)
    with ledger() as book:
        ordered = _is_ordered(book, provider, reference, f"{site_slug(site)}-{turn}") or any(
            run.reference == reference for run in before
        )
        under_way = next(
            (run.id for run in before if not run.over or (run.crashed and book.find(run.reference) is None)), None
        )
        still_open = book.orders(Filter(site=site, provider=provider, open_only=True, limit=1))
    if still_open:
        it = still_open[0]
        return (
            f"Nothing ordered: {it.reference} of {format_utc(it.created)} is still open "
            f"({it.waits_message or 'at work'})"
        )
    if under_way is not None:  # started, and not in the ledger yet
        return f"Nothing ordered: run {under_way} for this site is still under way"
    if ordered:
        return f"Nothing ordered: this turn ordered {reference} before"
    this_one = {**order.model_dump(mode="json"), "reference": reference, "site": site}
    run = start(provider, this_one, f"{tag} {provider} after {before[0].id if before else 'none'}", [tag])
    made = next((one for one in site_runs(tag, provider) if one.id == run), None)
    if made is not None and made.reference != reference:
        return f"Nothing ordered: another turn started {made.reference} in this moment (run {run})"
    window = f"{format_utc(order.window.start)} to {format_utc(order.window.end)}"
    return f"Order {reference} started: {window} (run {run})"


def _is_ordered(book: Ledger, provider: str, *references: str) -> bool:
    """Whether this turn was ordered; the second is how its reference was made when surveys were of one provider."""
    there = [record for one in references if (record := book.find(one)) is not None]
    return any(record.provider == provider for record in there)

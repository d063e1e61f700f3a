"""A question as a person reads it: on the run's page, in the form, and in a terminal."""

from __future__ import annotations

import base64

from tasking.approval import Offer, Question
from tasking.area import area_from
from tasking.candidate import WHOLE_WINDOW
from tasking.footprint_map import footprint_svg
from tasking.order import Order
from tasking.plain_text import markdown_text
from tasking.waiting import format_utc

IN_THE_FORM = 10
"""Candidates that the form lists; the page has them all."""

COLUMNS = ("no.", "covers", "capture (UTC)", "satellite", "off nadir", "sun", "price")


def markdown_page(order: Order, question: Question) -> str:
    """The question with picture, ranked table and reasons.

    Reasons are a list: the page cuts a wide table at the right.
    """
    lines = [f"# To be approved: {markdown_text(question.reference)}", ""]
    if _has_a_list(question):
        numbers = {one.candidate.id: number for number, one in enumerate(question.offers, 1)}
        chosen = [Offer(candidates=(one,)) for one in question.offers[0].candidates]
        svg = footprint_svg(area_from(order.footprint), question.offers, chosen, numbers)
        lines += [f"![Area and footprints](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})", ""]
    lines += [f"{markdown_text(question.text)}.", "", *_what_counts(question), ""]
    if _has_a_list(question):
        rows = [cells(number, one) for number, one in enumerate(question.offers, 1)]
        kept = [at for at in range(len(COLUMNS)) if any(row[at] for row in rows)]
        right = {"no.", "covers", "off nadir", "sun", "price"}
        lines += [_row([COLUMNS[at] for at in kept]), _row(["---:" if COLUMNS[at] in right else "---" for at in kept])]
        lines += [_row([markdown_text(row[at]) for at in kept]) for row in rows]
        lines += ["", "## Why in this order", ""]
        lines += [f"- **{number}**: {markdown_text(_reason(one))}" for number, one in enumerate(question.offers, 1)]
    return "\n".join(lines)


def markdown_form(question: Question) -> str:
    """The question above the form's fields."""
    lines = [f"{markdown_text(question.text)}.", "", *_what_counts(question)]
    if _has_a_list(question):
        listed = question.offers[:IN_THE_FORM]
        lines += ["", "Number by number, the best first:", ""]
        lines += [f"- **{number}**: {markdown_text(line(one))}" for number, one in enumerate(listed, 1)]
        if len(question.offers) > IN_THE_FORM:
            lines += [f"- {len(question.offers) - IN_THE_FORM} more are on this run's page, among the artifacts"]
    return "\n".join(lines)


def line(one: Offer) -> str:
    """A number of the list in one line."""
    first = one.candidate
    if len(one.candidates) > 1:
        return ", ".join(part for part in (_several(one), one.reason, _price(one)) if part)
    parts = [
        f"{first.start:%Y-%m-%d %H:%M UTC}" if first.id != WHOLE_WINDOW else _whole(one),
        first.platform or "",
        f"covers {first.area_covered_percent:.1f} %" if first.area_covered_percent is not None else "",
        f"{first.off_nadir_deg:.1f}° off nadir" if first.off_nadir_deg is not None else "",
        _price(one),
    ]
    return ", ".join(part for part in parts if part)


def cells(number: int, one: Offer) -> tuple[str, ...]:
    """A number of the list in `COLUMNS`."""
    first = one.candidate
    if len(one.candidates) > 1:
        return (str(number), "", _several(one), "", "", "", _price(one))
    return (
        str(number),
        f"{first.area_covered_percent:.1f} %" if first.area_covered_percent is not None else "",
        f"{first.start:%Y-%m-%d %H:%M}" if first.id != WHOLE_WINDOW else _whole(one),
        first.platform or "",
        f"{first.off_nadir_deg:.1f}°" if first.off_nadir_deg is not None else "",
        f"{first.sun_elevation_deg:.1f}°" if first.sun_elevation_deg is not None else "",
        _price(one),
    )


def _what_counts(question: Question) -> list[str]:
    """What else to know, as the entries of a list."""
    until = f"Answer until **{format_utc(question.deadline)}**. {question.otherwise}"
    return [*(f"- {markdown_text(fact)}" for fact in question.facts), f"- {until}"]


def _reason(one: Offer) -> str:
    first = one.candidate
    until = f"can be ordered until {format_utc(first.valid_until)}" if first.valid_until is not None else ""
    return "; ".join(part for part in (one.reason, until, first.note) if part)


def _has_a_list(question: Question) -> bool:
    """Whether there are passes to choose among; a window has nothing to draw, and its price is in the question."""
    return question.offers[0].candidate.id != WHOLE_WINDOW


def _whole(one: Offer) -> str:
    return f"{one.candidate.start:%Y-%m-%d %H:%M} to {one.candidate.end:%Y-%m-%d %H:%M} UTC"


def _several(one: Offer) -> str:
    last = max(each.start for each in one.candidates)
    return f"{len(one.candidates)} captures, {one.candidate.start:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def _price(one: Offer) -> str:
    """What it costs together; empty where that is not known of each."""
    prices = [each.price for each in one.candidates]
    known = [price for price in prices if price is not None]
    currencies = {each.currency or "" for each in one.candidates}
    if len(known) < len(prices) or len(currencies) > 1:
        return ""
    return f"{sum(known):,.2f} {currencies.pop()}".strip()


def _row(given: list[str]) -> str:
    return f"| {' | '.join(given)} |"

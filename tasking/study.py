"""What one order could bring at one account, before anything is ordered: a feasibility study, for people and programs.

Several of them are compared in one table, see `tasking.exploring`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.ledger import OrderRecord
from tasking.lifecycle.actions import End
from tasking.lifecycle.session import OrderSession
from tasking.order import Order
from tasking.ranking import RankedCandidate
from tasking.status import OrderStatus
from tasking.waiting import Wait, format_utc


class Option(BaseModel):
    """One thing that could be ordered, or why it could not.

    Attributes:
        provider, account: Where.
        reference: Of the study it belongs to.
        sensor: What takes it.
        candidate: The pass, or the window in which the provider picks one.
        score: 0..1, as the order ranks it; 0 for what cannot be used.
        coverage_percent: Share of the area covered, 0..100; ``None`` when nothing tells.
        price, currency: What it costs, in the main unit; ``None`` when nothing tells.
        reason: What speaks for it.
        usable: Whether it could be ordered now.
        exclusion_reason: Why it could not; empty when it could.
        wished: It is what the order would take.
    """

    model_config = ConfigDict(frozen=True)

    provider: str
    account: str
    reference: str
    sensor: Literal["optical", "radar"]
    candidate: Candidate
    score: float
    coverage_percent: float | None
    price: Decimal | None
    currency: str | None
    reason: str
    usable: bool
    exclusion_reason: str = ""
    wished: bool = False

    @property
    def taken_by(self) -> datetime:
        """When it is taken at the latest."""
        return self.candidate.end

    @property
    def order_until(self) -> datetime | None:
        """Until when it can be ordered; ``None`` as long as it lies ahead."""
        return self.candidate.valid_until


class Study(BaseModel):
    """What an order could bring at its account.

    Attributes:
        reference: Under which it was studied: its plan at the provider is named so.
        name: What people call the order.
        options: The best first; what cannot be used comes last and says why.
        outcome: What would be ordered, or why nothing would be, as sentences. Empty while it waits.
        refused: The order could not be placed as it is, or nothing suits it.
        studied_at: The provider's time of it; ``None`` where it was not asked.
        wait: Until when it has to be waited for more; ``None`` when it is complete.
    """

    model_config = ConfigDict(frozen=True)

    reference: str
    name: str
    provider: str
    account: str
    options: tuple[Option, ...] = ()
    outcome: str = ""
    refused: bool = False
    studied_at: AwareDatetime | None = None
    wait: Wait | None = None

    @property
    def would_order(self) -> Option | None:
        """What the order would take; ``None`` for nothing."""
        return next((one for one in self.options if one.wished), None)


def study_of(session: OrderSession, record: OrderRecord, end: End | None = None) -> Study:
    """What is known of an order that is at the point of being requested, or can go no further.

    Args:
        session: The order's; what it has seen of the candidates is used.
        record: As the ledger has it.
        end: How it would end, if it would: as a dry run, or because nothing suits it.
    """
    order, now = session.order, session.provider.clock.now()
    listed = session.seen.listed
    ranked: list[RankedCandidate] = []
    if listed is not None:
        ranked = list(
            listed.ranked if any(one.usable for one in listed.ranked) else listed.for_a_person or listed.ranked
        )
    known = {one.candidate.id for one in ranked}
    if record.candidate is not None and record.candidate.id not in known:
        ranked.append(_chosen_before(record.candidate, now))
    refused = end is not None and (end.status != OrderStatus.DRY_RUN or record.candidate is None)
    options = [_option(session.order, record, one) for one in ranked]
    chosen = record.candidate.id if record.candidate is not None else None
    if chosen is None and not refused:
        chosen = next((one.candidate.id for one in options if one.usable), None)
    return Study(
        reference=record.reference,
        name=order.name,
        provider=record.provider,
        account=record.account,
        options=tuple(one.model_copy(update={"wished": one.candidate.id == chosen}) for one in options),
        outcome=end.message if end is not None else "",
        refused=refused,
        studied_at=now,
    )


def _option(order: Order, record: OrderRecord, one: RankedCandidate) -> Option:
    it = one.candidate
    whole = it.id == WHOLE_WINDOW
    return Option(
        provider=record.provider,
        account=record.account,
        reference=record.reference,
        sensor="optical" if order.needs_daylight else "radar",
        candidate=it,
        score=_score(order, one),
        coverage_percent=one.coverage_percent,
        price=it.price if it.price is not None or not whole else record.price,
        currency=it.currency if it.price is not None or not whole else record.currency,
        reason=one.reason,
        usable=one.usable,
        exclusion_reason=one.exclusion_reason,
    )


def _score(order: Order, one: RankedCandidate) -> float:
    """Of a whole window nothing tells what it covers; that of a point is aimed at it, so it covers it."""
    aimed = one.candidate.id == WHOLE_WINDOW and order.least_coverage_percent is None and one.usable
    return 1.0 if aimed and order.select == "best-coverage" else one.score


def _chosen_before(candidate: Candidate, now: datetime) -> RankedCandidate:
    """What was quoted, or chosen at an earlier start: nothing else is known of what there was to choose from."""
    over = candidate.valid_until if candidate.valid_until is not None else candidate.end
    when = f"{format_utc(candidate.start)} to {format_utc(candidate.end)}"
    is_window = candidate.id == WHOLE_WINDOW
    share = candidate.area_covered_percent
    return RankedCandidate(
        candidate=candidate,
        score=(share or 0.0) / 100 if now < over else 0.0,
        coverage_percent=share,
        coverage_source="unknown" if share is None else "footprint",
        reason=f"the whole window, {when}; the provider picks the pass" if is_window else f"captured {when}",
        usable=now < over,
        exclusion_reason="" if now < over else f"it could be ordered until {format_utc(over)}",
    )


def row(option: Option) -> dict[str, Any]:
    """An option as a line of a table, plain JSON; what is not known is ``None``."""
    it = option.candidate
    return {
        "provider": option.provider,
        "account": option.account,
        "usable": option.usable,
        "wished": option.wished,
        "score": option.score,
        "from": it.start.isoformat(),
        "taken_by": option.taken_by.isoformat(),
        "order_until": option.order_until.isoformat() if option.order_until is not None else None,
        "covers_percent": option.coverage_percent,
        "price": str(option.price) if option.price is not None else None,
        "currency": option.currency,
        "sensor": option.sensor,
        "platform": it.platform,
        "off_nadir_deg": it.off_nadir_deg,
        "sun_elevation_deg": it.sun_elevation_deg,
        "why": option.exclusion_reason or option.reason,
        "candidate": it.id,
    }

"""What the ledger hands out: frozen snapshots of its rows, by which is decided what happens next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasking.approval import Asked, Decided
from tasking.candidate import Candidate
from tasking.money import tidy
from tasking.provider import TaskingRequest
from tasking.status import ENDS, OrderStatus

ANYWHERE = "anywhere"
"""Provider and account of an order that goes to several accounts: each of its parts has a provider and an account."""


class Deliverable(BaseModel):
    """What can be fetched of a request: a capture, or a part of a delivery.

    Attributes:
        name: One of `tasking.provider.TaskingRequest.capture_ids`.
        delivered_at: When it stood whole in the archive (our time); ``None`` while it does not.
        folders: Its items' folders, below the order's; ``None`` where that is not known.
        missing_files: What was left out, because the provider gave no file.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    delivered_at: datetime | None = None
    folders: tuple[str, ...] | None = None
    missing_files: tuple[str, ...] = ()


class Intent(BaseModel):
    """A create that was announced before it was sent, and has no known outcome yet.

    Attributes:
        label: What the create carries so that it can be found again.
        at: When it was announced, in the provider's time.
        ours: The same moment by our own clock.
        round: 1 for the first; more after a create that was shown not to have arrived.
    """

    model_config = ConfigDict(frozen=True)

    verb: str
    label: str
    round: int
    at: datetime
    ours: datetime | None = None


class RequestRecord(BaseModel):
    """One capture ordered for an order, as last read from the provider.

    Attributes:
        attempt: 1 for the first; more only where the order allows the next candidate after a rejection.
        label: What we wrote into the create so that it can be found again.
        candidate: What was requested.
        last: The provider's last word.
        plan_id: The provider's plan it was ordered from, where there are plans.
        price, currency: What it costs, as far as that is known.
        cancel_fee_percent: What its cancel cost, in percent of the price; ``None`` while it is not cancelled.
        covered_percent: Share of the order's area that the delivered images cover, 0..100; ``None`` before, and where
            nothing tells.
        deliverables: What was ever said to be there of it.
    """

    model_config = ConfigDict(frozen=True)

    attempt: int
    label: str
    candidate: Candidate | None
    last: TaskingRequest
    plan_id: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    cancel_fee_percent: float | None = None
    covered_percent: float | None = None
    deliverables: tuple[Deliverable, ...] = ()

    @property
    def undelivered(self) -> list[str]:
        """What of it can be fetched and is not in the archive yet."""
        home = {one.name for one in self.deliverables if one.delivered_at is not None}
        return [one for one in self.last.capture_ids if one not in home]


class ChargeState(StrEnum):
    """What becomes of the price of a request; see `tasking.ledger.charges`."""

    RESERVED = "reserved"
    SPENT = "spent"
    REFUNDED = "refunded"


class ChargeRecord(BaseModel):
    """What one request costs, or one that was announced and may have been made.

    Attributes:
        request_id: The provider's; ``None`` of one whose outcome is not known.
        contract_id: The provider's contract it was quoted under, where quotes tell.
        charged_at: When it was announced (our time): it counts in that month.
        price: In the currency's main unit, or in credits; ``None`` when nothing tells.
        currency: ISO 4217, or ``credits``.
        due_percent: Share of the price that is due, 0..100; ``None`` while that is open.
        delivered: Whether its order was delivered.
    """

    model_config = ConfigDict(frozen=True)

    reference: str
    provider: str
    account: str
    site: str | None
    request_id: str | None
    contract_id: str | None = None
    charged_at: datetime | None
    price: Decimal | None
    currency: str | None
    due_percent: float | None
    delivered: bool

    @property
    def state(self) -> ChargeState:
        """Where it stands; what was cancelled for a fee is spent."""
        if self.due_percent is None:
            return ChargeState.RESERVED
        return ChargeState.SPENT if self.due_percent > 0 else ChargeState.REFUNDED

    @property
    def reserved(self) -> Decimal:
        """What may still be due."""
        return (self.price or Decimal(0)) if self.due_percent is None else Decimal(0)

    @property
    def spent(self) -> Decimal:
        """What is due."""
        return tidy((self.price or Decimal(0)) * Decimal(str(self.due_percent or 0)) / 100)

    @property
    def refunded(self) -> Decimal:
        """What is not due any more."""
        return (self.price or Decimal(0)) - self.reserved - self.spent


class DeferredEnd(BaseModel):
    """An end of an order that was put off.

    Attributes:
        status: STAPI code.
        message: For a person.
    """

    model_config = ConfigDict(frozen=True)

    status: str
    message: str


class OrderRecord(BaseModel):
    """Where one order stands.

    Attributes:
        reference: Ours, unique.
        order: The order as it was given, JSON.
        flow_run_id: The Prefect run that owns it.
        environment: Where its account led when it was begun; see `tasking.provider.Provider.environment`.
        deployment_id, deployment_name: Of Prefect, by which the order came; ``None`` for one that came without.
        plan_id: The provider's plan.
        planned_at: When we made it (provider time).
        plans_forgotten: Plans the provider forgot before a candidate was requested.
        candidate: The chosen candidate that is not requested yet, or was requested last.
        next_candidates: Of an order of several captures: those that were chosen with it, and are requested after it.
        coverage_aim_percent: Share of the area that the captures together are to cover, 0..100.
        captures_cover_percent: Share that those that were chosen last cover with all that were requested, 0..100.
        candidates_seen: How many candidates the provider ever listed at once.
        candidates_dropped: Candidates chosen before and lost again (expired, refused).
        approval_question: What a person was asked last, while no answer was taken.
        approvals_asked: How often a person was asked.
        approval_asked: What a person may choose among, with what else was asked; ``None`` where nobody is asked, and
            for what an older version asked.
        approval_answer: What was decided last, by whom and when.
        approved_candidate_id: The candidate a person approved.
        requests: Captures ordered, oldest first; more than one only after rejections, when the order allows it.
        open_creates: Creates that were announced and have no known outcome, oldest first.
        next_try_since: When the try after the last request was begun (provider time).
        deferred_end: The end that waits for requests that may still bring something.
        status: STAPI code of the last request, or of the order's end. What a person sees is `order_status`. ``None``
            while nothing is known, or when the provider's word is unknown to us.
        provider_status: The provider's own word.
        waits_for: ``candidates``, ``approval``, ``settling``, ``imagery``, ``products``, ``provider``; or ``None``.
        wake_at: When the owning run starts again by itself (our time).
        look_after: From when asking the provider about this order makes sense again (our time).
        host: The machine that last ran its flow run.
        changed_at: When the watcher saw something the run has not looked at yet (our time).
        failing: The step whose errors are waited out just now.
        failures: How often in a row it failed.
        cancel_asked: A person asked to cancel; nothing new is created from then on.
        price, currency: What it costs, where the provider says so.
        home: Its folder in the archive, once something was delivered.
        outcome_so_far: What the last delivery brought, for a person.
        ended: When the order came to its end (our time), else ``None``.
        outcome: How it ended, for a person.
        part_of: The reference of the order that it is a part of; ``None`` for an order of its own.
        called_off: Why that order wants no more of it; ``None`` while it does.
    """

    model_config = ConfigDict(frozen=True)

    reference: str
    provider: str
    account: str
    environment: str | None
    site: str | None
    name: str
    order: dict[str, Any]
    flow_run_id: str
    deployment_id: str | None
    deployment_name: str | None
    host: str | None
    plan_id: str | None
    planned_at: datetime | None
    plans_forgotten: int
    candidate: Candidate | None
    next_candidates: list[Candidate]
    coverage_aim_percent: float | None
    captures_cover_percent: float | None
    candidates_seen: int
    candidates_dropped: list[str]
    approval_question: str | None
    approvals_asked: int
    approval_asked: Asked | None
    approval_answer: Decided | None
    approved_candidate_id: str | None
    requests: list[RequestRecord]
    open_creates: list[Intent]
    next_try_since: datetime | None
    deferred_end: DeferredEnd | None
    status: str | None
    provider_status: str | None
    waits_for: str | None
    waits_message: str | None
    wake_at: datetime | None
    next_poll_at: datetime | None
    news_at: datetime | None
    failing_step: str | None
    failures: int
    cancel_asked: bool
    price: Decimal | None
    currency: str | None
    home: str | None
    outcome_so_far: str | None
    created: datetime
    updated: datetime
    ended: datetime | None
    outcome: str | None
    part_of: str | None = None
    called_off: str | None = None

    @property
    def has_parts(self) -> bool:
        """Whether its captures are ordered by its parts, each at one account."""
        return self.provider == ANYWHERE

    @property
    def is_study(self) -> bool:
        """Whether it asks what could be ordered, and orders nothing."""
        return bool(self.order.get("dry_run"))

    def with_parts(self, parts: Sequence[OrderRecord]) -> OrderRecord:
        """An order as its parts make it: what they requested, and what of that is in doubt, is its own as well."""
        ahead = [one for one in parts if one.ended is None]
        asks = next((one for one in ahead if one.waits_for == "approval"), None)
        return self.model_copy(
            update={
                "requests": [request for one in parts for request in one.requests],
                "open_creates": [create for one in parts for create in one.open_creates],
                "candidate": next((one.candidate for one in reversed(parts) if one.candidate is not None), None),
                "waits_for": self.waits_for if asks is None else asks.waits_for,
                "wake_at": self.wake_at if asks is None else asks.wake_at,
            }
        )

    @property
    def order_status(self) -> OrderStatus:
        """Where the order stands with us, whatever the provider calls its requests."""
        if self.ended is not None:
            return ENDS.get(self.status or "", OrderStatus.FAILED)
        if self.cancel_asked:
            return OrderStatus.CANCELLING
        if any(one.undelivered for one in self.requests):
            return OrderStatus.DELIVERING
        if self.waits_for == "approval":
            return OrderStatus.AWAITING_APPROVAL
        if self.has_parts:
            return OrderStatus.ORDERED if self.waits_for in ("imagery", "products") else OrderStatus.PLANNING
        current = self.current_request
        if current is not None and self.captures_cover_percent is not None:  # of several captures, some are ordered
            return OrderStatus.ORDERED
        if current is None or current.candidate != self.candidate:  # nothing is ordered, or the next try is not yet
            settling = self.waits_for == "settling" and self.candidate is not None
            return OrderStatus.ORDERING if settling else OrderStatus.PLANNING
        return OrderStatus.ORDERED

    @property
    def area_covered_percent(self) -> float | None:
        """Share of the order's area that its images cover, else what was ordered or chosen last; 0..100.

        ``None`` where nothing tells, and for orders of points.
        """
        if not self.order.get("area"):
            return None
        home = [one.covered_percent for one in self.requests if one.covered_percent is not None]
        if home:
            return home[-1]
        if self.captures_cover_percent is not None:
            return self.captures_cover_percent
        current = self.current_request
        last = current.candidate if current is not None else self.candidate
        return last.area_covered_percent if last is not None else None

    @property
    def delivered(self) -> list[str]:
        """Names of what is in the archive, in the order it came; two requests may have something of one name."""
        home = [
            (what.delivered_at, what.name)
            for one in self.requests
            for what in one.deliverables
            if what.delivered_at is not None
        ]
        return [name for _, name in sorted(home, key=lambda one: one[0])]

    @property
    def in_doubt(self) -> bool:
        """Whether a request was announced and its outcome is not known: then the order may be bought already."""
        return bool(self.open_requests)

    @property
    def open_requests(self) -> list[Intent]:
        """The announced requests without an outcome; more than one only after an answer came late."""
        return [one for one in self.open_creates if one.verb == "request"]

    @property
    def label(self) -> str:
        """What the next request carries: the reference, with a number from the second on."""
        return self.reference if self.attempt == 1 else f"{self.reference}#{self.attempt}"

    @property
    def plan_label(self) -> str:
        """What the next plan carries: the reference, with a number once the provider has forgotten one."""
        return self.reference if not self.plans_forgotten else f"{self.reference}~{self.plans_forgotten + 1}"

    @property
    def attempt(self) -> int:
        """Number of the request that is made next (1 for the first)."""
        return len(self.requests) + 1

    @property
    def current_request(self) -> RequestRecord | None:
        """The request ordered last."""
        return self.requests[-1] if self.requests else None


class JournalEntry(BaseModel):
    """One line of the journal: something that happened."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: int
    reference: str
    at: datetime
    event: str
    message: str
    detail: dict[str, Any]

"""The verbs every provider speaks, and what they hand back.

A provider is one class in its own folder that has these methods. What a provider cannot do it says by type: one that
documents a cancel also satisfies `Cancels`, one that does not has no such method. All methods are synchronous, speak to
the network when called, and raise the errors of `tasking.errors`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict

from tasking.budget import AccountBudget
from tasking.candidate import Candidate
from tasking.clock import ProviderClock
from tasking.excerpt import Excerpt, Note
from tasking.order import Order
from tasking.price_list import PriceList
from tasking.status import StatusCode
from tasking.window import Window


class Plan(BaseModel):
    """A planned area and window at the provider: information only, free of charge.

    Attributes:
        id: The provider's id.
        created: When the provider made it (provider time).
        ready: Whether the provider says that candidates can be listed now.
        candidates_at: When candidates are expected at the latest, by the provider's document (provider time).
        patience_until: Until when an empty list is asked again before the order counts as not feasible.
        note: What a person should know of it, e.g. that the provider could not be asked for one.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    created: AwareDatetime
    ready: bool
    candidates_at: AwareDatetime
    patience_until: AwareDatetime
    note: Note = ""


class Items(list[dict[str, Any]]):
    """STAC items (JSON) of what was asked for.

    Attributes:
        left_out: For a person: what belongs to it and is not among the items, because the provider gave no file of it
            for as long as it was waited for.
    """

    left_out: tuple[str, ...] = ()


class FeeStep(BaseModel):
    """What a cancel costs until a moment.

    Attributes:
        until: From then on the next step holds (provider time).
        percent: Share of the price that is due all the same, 0..100.
    """

    model_config = ConfigDict(frozen=True)

    until: AwareDatetime
    percent: float


class TaskingRequest(BaseModel):
    """A capture that was ordered: this is what costs money.

    Attributes:
        id: The provider's id.
        status: STAPI code, or ``None`` when the provider's word is not known to us (shown, and waited on).
        provider_status: The provider's own word.
        capture_ids: Names of what can be fetched now: ids of captures, or of parts of a delivery. While ``status`` is
            no end more may come; with a status that is one, nothing more does.
        available_since: When each of ``capture_ids`` was first seen among them (provider time). Kept by the ledger.
        final: With ``rejected``: it will not be accepted again. Without, it may be until the window ends.
        note: What a person should know beside the status, e.g. ``3 of 4 captures``.
        start: Begin of the ordered capture, or of its window.
        end: End of the ordered capture, or of its window.
        platform: Satellite, when known.
        cancel_until: Until when the provider takes a cancel, when it says so.
        cancel_fees: What a cancel costs until when, the next step first, where the provider says so.
        next_look_at: When looking again makes sense (provider time): the order's next real event.
        next_look_is_due: Something is due at ``next_look_at``, so the run itself wakes then. Without, looking often is
            the watcher's.
        give_up_at: When waiting for products ends with a message to a person (provider time).
        quiet_until: Until when nothing can be new as long as ``provider_status`` stays (provider time); ``None`` when
            something may be new at any look.
        timed: ``start`` and ``end`` are those of a capture, planned or taken, not of the whole window.
        details_at: When the provider was asked last for what its lists do not tell, e.g. a scene (provider time).
        details: What the provider's folder keeps of that, plain JSON, for its next `Provider.read`.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    status: StatusCode | None
    provider_status: Excerpt
    capture_ids: tuple[str, ...] = ()
    available_since: Mapping[str, AwareDatetime] = {}
    final: bool = False
    note: Note = ""
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    platform: Excerpt | None = None
    cancel_until: AwareDatetime | None = None
    cancel_fees: tuple[FeeStep, ...] = ()
    next_look_at: AwareDatetime
    next_look_is_due: bool = False
    give_up_at: AwareDatetime
    quiet_until: AwareDatetime | None = None
    timed: bool = False
    details_at: AwareDatetime | None = None
    details: Mapping[str, Any] = {}


class Quote(BaseModel):
    """What a provider says of an order before it is placed; asking costs nothing.

    Attributes:
        price: In the currency's main unit (not cents); ``None`` when the account has no prices.
        currency: ISO 4217.
        notes: What a person should know, e.g. what is left of the budget, or a rule that may bite.
        valid_until: Until when it can be ordered (provider time), e.g. the window's start where that must lie ahead;
            ``None`` as long as the window lasts.
        quoted: What the quote holds for, to be handed back as `Candidate.quoted` when it is ordered.
    """

    model_config = ConfigDict(frozen=True)

    price: Decimal | None = None
    currency: str | None = None
    notes: tuple[str, ...] = ()
    valid_until: AwareDatetime | None = None
    quoted: dict[str, str] | None = None


class CancelTerms(BaseModel):
    """What a cancel would mean now.

    Attributes:
        allowed: Whether the provider still takes one.
        fee_percent: Share of the price that is due all the same; ``None`` when the provider does not say.
        message: The same for a person.
    """

    model_config = ConfigDict(frozen=True)

    allowed: bool
    fee_percent: float | None = None
    message: str


class Contract(BaseModel):
    """A contract of the account, for a person who chooses one.

    Attributes:
        id: What an order or an account block names it by.
        name: The provider's name for it.
        facts: What it allows or holds, one sentence each.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: Excerpt | None = None
    facts: tuple[Note, ...] = ()


class Provider(Protocol):
    """What the order's lifecycle asks of every provider; `Plans`, `Quotes` and `Cancels` are for those that have them.

    ``label`` is the order's reference as written into a create, so that it can be found again; the second and later
    requests of one order carry a suffix.
    """

    name: str
    clock: ProviderClock

    @property
    def order_type(self) -> type[Order]:
        """Its kind of order."""

    @property
    def environment(self) -> str:
        """Which of the provider's environments the account leads to, for a person: an order stays in the one it began.

        All that decides where a create goes and what is found there, e.g. address and contract; never a secret, and
        not the client id, which may be changed for a new one.
        """

    @property
    def settle_seconds(self) -> float:
        """How long a create without an answer is looked for before it counts as not arrived (real seconds)."""

    @property
    def poll_interval_seconds(self) -> float:
        """How often one order's status is read at most (provider time)."""

    @property
    def ask_again_seconds(self) -> float:
        """Pause after the provider was away; doubled each time, up to an hour (provider time)."""

    def close(self) -> None:
        """Give back connections."""

    def check(self, order: Order) -> None:
        """Refuse what the provider would refuse, without asking it; raises `InvalidOrder`."""

    def learn_time(self) -> None:
        """Make sure that ``clock`` is known, by the cheapest call there is."""

    def find_request(
        self,
        order: Order,
        plan_id: str | None,
        label: str,
        earlier: Collection[str] = (),
        announced: bool = False,
    ) -> TaskingRequest | None:
        """The request that carries ``label``, or ``None``; raises `ReferenceTaken` if it is another order's.

        Args:
            order: What was ordered.
            plan_id: The plan it was ordered from, where there are plans.
            label: What it carries.
            earlier: Ids of all the order's requests before it, which are not taken for it.
            announced: A create under this very label was sent, and its outcome is not known. What is found is then
                ours though its values differ, as far as the provider may have normalised what was sent.
        """

    def request(self, order: Order, plan_id: str | None, candidate: Candidate, label: str) -> TaskingRequest:
        """Order the capture; one POST, never repeated below. Raises `Uncertain` when the outcome is unknown.

        A provider without candidates gets one that stands for the order's whole window.
        """

    def read(
        self,
        request_ids: Sequence[str],
        candidates: Mapping[str, Candidate] | None = None,
        known: Mapping[str, TaskingRequest] | None = None,
    ) -> Mapping[str, TaskingRequest]:
        """Read many requests in the fewest calls; ids the provider does not know are absent from the answer.

        ``candidates`` tells by request id what was ordered, where that says more than the provider's answer. ``known``
        tells what was read of them last: what takes a call for each of them is asked only when it may have changed
        since.
        """

    def products(self, request: TaskingRequest) -> Iterable[dict[str, Any]]:
        """STAC items (JSON) of all of ``request.capture_ids``, asset hrefs absolute and fresh.

        What is waited for no longer is left out of them, and named: `Items`. Raises `Incomplete` with the items there
        are while more of what is said to be there has no file yet.
        """

    def open_asset(self, item: dict[str, Any], key: str) -> AbstractContextManager[httpx.Response]:
        """Start to download one asset as a stream; the token goes to the provider's own hosts only."""


@runtime_checkable
class Plans(Protocol):
    """A provider that answers with candidates to choose from."""

    def find_plan(self, order: Order, label: str) -> Plan | None:
        """The plan that carries ``label``, or ``None``; raises `ReferenceTaken` if it is another order's."""

    def plan(self, order: Order, label: str) -> Plan:
        """Create the plan; one POST, never repeated below. Raises `Uncertain` when the outcome is unknown."""

    def read_plan(self, plan_id: str) -> Plan:
        """Read one plan; raises `NotFound` when the provider has forgotten it, so that it is made anew."""

    def read_plans(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """Read many plans in the fewest calls; those that are unknown, or cannot be read now, are absent.

        Raises:
            Unavailable, CredentialsRefused: None was answered for: it is about the account.
        """

    def candidates(self, plan_id: str, order: Order | None = None) -> list[Candidate]:
        """All candidates of a plan, every page.

        Args:
            plan_id: From `plan`.
            order: What is to be ordered, where that decides what there is to choose from.

        Raises:
            NotFound: The provider has forgotten the plan.
            OrderEnded: There is none for this order, nor will there be; says what would work.
        """


@runtime_checkable
class Quotes(Protocol):
    """A provider that is asked for price and feasibility instead of candidates."""

    def quote(self, order: Order) -> Quote:
        """Ask before ordering; nothing is made.

        Raises:
            InvalidOrder: The contract does not allow it; says what it allows.
            OrderEnded: Not feasible, or not within the budget; says what would work.
        """


@runtime_checkable
class Budgeted(Protocol):
    """A provider whose account has limits and a price list; both may be empty."""

    @property
    def budget(self) -> AccountBudget:
        """What the account may spend in a month."""

    @property
    def price_list(self) -> PriceList:
        """What requests cost where the provider gives no price."""


@runtime_checkable
class CancelFees(Protocol):
    """A provider that publishes what a cancel costs."""

    @property
    def dearest_cancel_percent(self) -> float:
        """What a cancel costs at most, in percent of the price: so much counts where its fee is not known."""


class Statement(BaseModel):
    """What a provider says of an account's money or requests, to be compared with the ledger.

    Attributes:
        contract_id: The contract it is about; ``None`` when it is about all of the account.
        currency, spent, on_hold: What it has charged, and what it holds for requests that are under way, since the
            contract began; in the currency's main unit. ``None`` where it tells no money.
        limit: What may be spent under it at most.
        request_ids: Of all requests there; ``None`` where that was not asked.
    """

    model_config = ConfigDict(frozen=True)

    contract_id: str | None = None
    currency: str | None = None
    spent: Decimal | None = None
    on_hold: Decimal | None = None
    limit: Decimal | None = None
    request_ids: frozenset[str] | None = None


@runtime_checkable
class Accounts(Protocol):
    """A provider that can be asked what it has charged, or which requests it has."""

    def statements(self) -> Iterable[Statement]:
        """What it says now; nothing is made."""


@runtime_checkable
class Contracts(Protocol):
    """A provider whose accounts have contracts to choose from."""

    def contracts(self) -> Iterable[Contract]:
        """The account's contracts; nothing is made."""


class Webhook(BaseModel):
    """A callback registered at the provider.

    Attributes:
        id: What an order or an account block names it by.
        url: Where it leads, when the provider says so.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    url: str | None = None


@runtime_checkable
class Notifies(Protocol):
    """A provider that tells an address of changes, once it is registered."""

    def webhooks(self) -> Iterable[Webhook]:
        """The account's webhooks."""

    def register_webhook(self, url: str) -> Webhook:
        """Register an address; sent once."""


@runtime_checkable
class TriesAgain(Protocol):
    """A provider that picks the pass itself, and takes a new request once it has given one up."""

    def rest_of(self, order: Order, before: Candidate | None) -> Window | None:
        """What is left of the order's window and can be ordered by the provider's document; ``None`` for nothing.

        ``before`` is what was ordered last.
        """


@runtime_checkable
class Cancels(Protocol):
    """A provider that documents a way to cancel a request."""

    def cancel_terms(self, request_id: str) -> CancelTerms:
        """What a cancel would mean now; nothing is cancelled."""

    def cancel(self, request_id: str) -> TaskingRequest:
        """Cancel it; raises `Refused` when it is too late."""

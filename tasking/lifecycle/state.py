"""What is known of an order when it is decided what happens next: frozen, and without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasking.candidate import Candidate
from tasking.clock import ClockReading
from tasking.errors import ProviderError
from tasking.ledger import OrderRecord
from tasking.lifecycle.actions import End
from tasking.order import Order
from tasking.provider import Plan
from tasking.ranking import RankedCandidate
from tasking.waiting import Wait
from tasking.window import Window


@dataclass(frozen=True)
class ProviderTraits:
    """What a provider is like.

    Attributes:
        lists_candidates: It has plans with candidates. Without, it picks the pass itself.
        poll_interval_seconds: How often one order is asked about at most (provider time).
        settle_seconds: How long a create without an answer is looked for (real seconds).
        rest_of_window: What could be ordered of the window after the last request; ``None`` for nothing.
    """

    lists_candidates: bool
    poll_interval_seconds: float
    settle_seconds: float
    rest_of_window: Window | None = None


@dataclass(frozen=True)
class Polled:
    """The provider was asked how the order's requests stand; what it said is in the ledger.

    Attributes:
        answered: Ids of those it knew.
        doubt: What keeps us from knowing what became of an announced request; ``None`` when all is known.
    """

    answered: frozenset[str]
    doubt: Wait | ProviderError | None = None


@dataclass(frozen=True)
class SetOffer:
    """The captures that serve an order of several best, of what is listed.

    Attributes:
        candidates: In the order in which they are requested; empty where nothing that is listed adds anything.
        covers_percent: Share of the area that they cover with all that was requested before, 0..100.
        enough: That is what the order asks for.
        message: What was found, and how far it is proven, for a person.
        beside: The requests that it was made up beside, as `requests_as_they_stand` gives them.
    """

    candidates: tuple[Candidate, ...]
    covers_percent: float
    enough: bool
    message: str
    beside: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Listed:
    """What a plan offers.

    Attributes:
        plan: As just read.
        ranked: Its candidates, the best first.
        offer: Of an order of several captures: those to take; ``None`` for an order of one.
        for_a_person: The same where a person may also take what covers too little; empty where nobody is asked.
    """

    plan: Plan
    ranked: tuple[RankedCandidate, ...]
    for_a_person: tuple[RankedCandidate, ...] = ()
    offer: SetOffer | None = None


@dataclass(frozen=True)
class Compared:
    """What is home of the order was compared with the archive.

    Attributes:
        message: What was delivered, for a person.
    """

    message: str


@dataclass(frozen=True)
class Seen:
    """What was seen since the order's run was started, or waited last; nothing of it outlives a wait.

    Attributes:
        time_asked: The provider was asked for the time.
        polled: How the requests stand.
        plan: The plan, as just read.
        plan_gone: The provider does not know the plan.
        listed: What the plan offers.
        lost: Why the chosen candidate cannot be requested any more.
        unanswered: Nobody has answered what was asked, and the time for it is over.
        compared: What stands in the archive.
        wait: A step cannot go on before.
        end: A step can never go on.
        unlisted: Of an order of several captures: requests whose imagery is announced and not listed yet, each with
            the time until which it is left alone.
        stuck: Requests of which something can never be brought home; the others of the order are all the same.
    """

    time_asked: bool = False
    polled: Polled | None = None
    plan: Plan | None = None
    plan_gone: bool = False
    listed: Listed | None = None
    lost: str | None = None
    unanswered: bool = False
    compared: Compared | None = None
    wait: Wait | None = None
    end: End | None = None
    stuck: frozenset[str] = frozenset()
    unlisted: Mapping[str, Wait] = field(default_factory=dict)


@dataclass(frozen=True)
class OrderState:
    """All that `tasking.lifecycle.decision.next_action` decides by.

    Attributes:
        record: The ledger's rows.
        order: What is wished.
        clock: The time, the provider's and ours.
        provider: What it is like.
        seen: What this start has seen.
    """

    record: OrderRecord
    order: Order
    clock: ClockReading
    provider: ProviderTraits
    seen: Seen = field(default_factory=Seen)

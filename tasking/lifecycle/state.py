"""What is known of an order when it is decided what happens next: frozen, and without a network."""

from __future__ import annotations

from dataclasses import dataclass, field

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
class Listed:
    """What a plan offers.

    Attributes:
        plan: As just read.
        ranked: Its candidates, the best first.
        for_a_person: The same where a person may also take what covers too little; empty where nobody is asked.
    """

    plan: Plan
    ranked: tuple[RankedCandidate, ...]
    for_a_person: tuple[RankedCandidate, ...] = ()


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
        compared: What stands in the archive.
        wait: A step cannot go on before.
        end: A step can never go on.
    """

    time_asked: bool = False
    polled: Polled | None = None
    plan: Plan | None = None
    plan_gone: bool = False
    listed: Listed | None = None
    lost: str | None = None
    compared: Compared | None = None
    wait: Wait | None = None
    end: End | None = None


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

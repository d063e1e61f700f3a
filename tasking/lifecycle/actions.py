"""What may happen next with an order: the answers of `tasking.lifecycle.decision.next_action`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from tasking.errors import ProviderError
from tasking.waiting import Wait


@dataclass(frozen=True)
class Act:
    """Something to do now.

    Attributes:
        step: What a person knows it by (class variable).
    """

    step: ClassVar[str] = "order"


@dataclass(frozen=True)
class LearnTime(Act):
    """Ask what time it is at the provider: its deadlines count in it."""


@dataclass(frozen=True)
class Plan(Act):
    """Have a plan made; where the provider has none, ask for price and feasibility."""

    step: ClassVar[str] = "plan"


@dataclass(frozen=True)
class ListCandidates(Act):
    """Ask what the plan offers, and rank it."""

    step: ClassVar[str] = "list-candidates"


@dataclass(frozen=True)
class Choose(Act):
    """Take the best candidate of what was listed.

    Attributes:
        any_coverage: Also one that covers less than the order asks for: a person decides.
    """

    step: ClassVar[str] = "choose"
    any_coverage: bool = False


@dataclass(frozen=True)
class Ask(Act):
    """Ask a person whether the chosen candidate is to be ordered."""

    step: ClassVar[str] = "approve"


@dataclass(frozen=True)
class Request(Act):
    """Order the chosen candidate, once; this costs money. Settles first what was announced before."""

    step: ClassVar[str] = "request"


@dataclass(frozen=True)
class Poll(Act):
    """Read how all the order's requests stand, and settle what was announced without a clear answer."""

    step: ClassVar[str] = "await-data"


@dataclass(frozen=True)
class Settle(Act):
    """Find out what became of all that was announced without a clear answer; nothing is sent."""

    step: ClassVar[str] = "settle"


@dataclass(frozen=True)
class Deliver(Act):
    """Bring home what can be fetched of a request; compare what is home already.

    Attributes:
        request_id: The provider's.
    """

    step: ClassVar[str] = "pull-assets"
    request_id: str


@dataclass(frozen=True)
class End:
    """How an order comes to its end.

    Attributes:
        status: STAPI code.
        message: For a person.
        request_id: The one request of which it is said, by a step that brings it home; ``None`` for the whole order.
    """

    status: str
    message: str
    request_id: str | None = None


@dataclass(frozen=True)
class Amend(Act):
    """Write something down that was decided; then it is decided anew.

    Attributes:
        event: Word for the journal.
        message: For a person.
        fields: Columns of `tasking.ledger.OrderRecord`.
        then: How the order ends once it is written down, if it does.
    """

    event: str
    message: str
    fields: dict[str, Any] = field(default_factory=dict)
    then: End | None = None


@dataclass(frozen=True)
class BackOff(Act):
    """Wait out an error, longer each time."""

    step: ClassVar[str] = "settle"
    error: ProviderError


@dataclass(frozen=True)
class Close(Act):
    """The order has come to its end."""

    step: ClassVar[str] = "close"
    end: End


Action: TypeAlias = (
    LearnTime
    | Plan
    | ListCandidates
    | Choose
    | Ask
    | Request
    | Poll
    | Settle
    | Deliver
    | Amend
    | BackOff
    | Wait
    | Close
)

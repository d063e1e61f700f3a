"""What a person is asked before money is spent, and what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tasking.candidate import Candidate
from tasking.excerpt import Note

Unanswered = Literal["ask-again", "decline", "order"]
"""What becomes of an order when nobody answers in time."""

MOST_OFFERS = 25
"""So many a person is shown, and may choose among."""

NOBODY_NAMED = "a person who gave no name"


class Offer(BaseModel):
    """What one number of a question's list stands for: approved, it is requested.

    Attributes:
        candidates: What would be requested; more than one where they are ordered together.
        reason: What speaks for it, for a person.
        score: 0..1, as it was ranked; ``None`` when it was not.
    """

    model_config = ConfigDict(frozen=True)

    candidates: tuple[Candidate, ...] = Field(min_length=1)
    reason: Note = ""
    score: float | None = None

    @property
    def candidate(self) -> Candidate:
        """The first of its candidates."""
        return self.candidates[0]

    @property
    def usable(self) -> bool:
        """What cannot be ordered is not offered."""
        return True


class Asked(BaseModel):
    """What stands in the ledger of a question beside its text.

    Attributes:
        offers: Number 1, 2, ... of the list, as it was ranked when the candidate was chosen.
        facts: What else a person should know, e.g. what is left of a budget.
        deadline: Until when an answer counts (provider time); ``None`` while nobody was asked.
    """

    model_config = ConfigDict(frozen=True)

    offers: tuple[Offer, ...] = ()
    facts: tuple[str, ...] = ()
    deadline: AwareDatetime | None = None


class Answer(BaseModel):
    """What a person answers.

    Attributes:
        decision: ``approve`` orders, which costs money; ``decline`` ends the order.
        candidate: Number in the list as it was asked; ``None`` for the first.
        decided_by: Who decides, as told.
        note: For the record.
    """

    model_config = ConfigDict(frozen=True)

    decision: Literal["approve", "decline"]
    candidate: int | None = None
    decided_by: str = ""
    note: str = ""


class Decided(BaseModel):
    """An answer on the record.

    Attributes:
        decision: ``approve`` or ``decline``.
        number: Of the list as it was asked; ``None`` for a decline.
        candidate_id: The provider's id of what was approved; ``None`` for a decline.
        by: Who decided, as told.
        at: When it was taken (our time).
        note: For the record.
        undone: Why what was approved could not be ordered; empty while that is not so.
    """

    model_config = ConfigDict(frozen=True)

    decision: Literal["approve", "decline"]
    number: int | None = None
    candidate_id: str | None = None
    by: str
    at: AwareDatetime
    note: str = ""
    undone: str = ""

    @property
    def sentence(self) -> str:
        """For a person."""
        what = f"approved, number {self.number}" if self.decision == "approve" else "declined"
        note = f": {self.note}" if self.note else ""
        undone = f". It was not ordered: {self.undone}" if self.undone else ""
        return f"{what}, by {self.by} on {self.at:%Y-%m-%d %H:%M UTC}{note}{undone}"


class Question(BaseModel):
    """What a person is asked.

    Attributes:
        reference: The order's.
        part_of: The order that it is a part of.
        text: In one sentence.
        count: Which question of its order it is, 1 for the first.
        offers: Number 1, 2, ... of the list.
        facts: What else a person should know.
        deadline: Until when an answer counts (our time).
        if_not_answered: What happens then.
    """

    model_config = ConfigDict(frozen=True)

    reference: str
    part_of: str | None = None
    text: str
    count: int
    offers: tuple[Offer, ...] = Field(min_length=1)
    facts: tuple[str, ...] = ()
    deadline: datetime
    if_not_answered: Unanswered = "ask-again"

    @property
    def otherwise(self) -> str:
        """What happens without an answer, as a sentence."""
        return OTHERWISE[self.if_not_answered]

    def offer(self, number: int | None) -> Offer | None:
        """What a number stands for (``None`` for the first); ``None`` when there is no such number."""
        at = 1 if number is None else number
        return self.offers[at - 1] if 1 <= at <= len(self.offers) else None


OTHERWISE: dict[Any, str] = {
    "ask-again": "Without an answer by then, the candidates are looked at again and it is asked anew.",
    "decline": "Without an answer by then, the order ends and nothing is ordered.",
    "order": "Without an answer by then, number 1 is ordered by itself.",
}
"""What happens when nobody answers, by the order's word for it."""

"""What changes an order: its columns, and the announcements of creates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tasking.budget import Charge, Payer, over_budget
from tasking.errors import OrderEnded, OverBudget
from tasking.ledger import charges, creates
from tasking.ledger.claiming import Claiming
from tasking.ledger.records import Deliverable, Intent, OrderRecord
from tasking.ledger.rows import assign, record_of
from tasking.ledger.tables import CreateAttemptRow, DeliverableRow, OrderRow
from tasking.ledger.values import fitting, plain
from tasking.status import StatusCode


class Revision(NamedTuple):
    """A change of an order: its line in the journal (``None`` for none), and its columns."""

    happened: str | None
    message: str
    fields: dict[str, Any]


class Ledger(Claiming):
    """The orders and their journal. Usable from several processes and threads at once.

    Every method raises `LedgerUnavailable` when the database does not answer, or refuses to work: it takes no writes,
    lacks a right or a column, or holds an order that only newer code can read. None of that is about the order.
    """

    def record(self, reference: str, happened: str | None = None, message: str = "", /, **fields: Any) -> OrderRecord:
        """Change columns of an order and, when ``happened`` is given, add its line to the journal, in one transaction.

        Args:
            reference: Ours.
            happened: Event word, e.g. ``planned``; ``None`` for a change not worth a line.
            message: What happened, for a person.
            fields: Of `OrderRecord`, see `tasking.ledger.rows.assign`; ``detail`` goes to the journal line. A function
                gets the order as it stands now and hands back the value, so that nothing newer is overwritten.
        """
        return self.revise(reference, lambda _now: Revision(happened, message, fields))

    def revise(self, reference: str, change: Callable[[OrderRecord], Revision]) -> OrderRecord:
        """Change an order by what it is now: ``change`` sees the order while nobody else can write it."""
        with self.session() as session:
            row = self.locked(session, reference)
            now = record_of(row)
            happened, message, fields = change(now)
            detail = fields.pop("detail", {})
            assign(row, now, fields)
            if happened is not None:
                self.note(session, reference, happened, message, detail)
            return self.snapshot(session, reference)

    def record_intent(
        self,
        reference: str,
        verb: str,
        label: str,
        at: datetime,
        ours: datetime | None = None,
        still_wished: Callable[[OrderRecord], bool] = lambda _now: True,
        charge: Charge | None = None,
    ) -> Intent | None:
        """Announce a create, durably, before it is sent. What it costs is reserved in the same transaction.

        Requests of one account are announced one after the other where there are limits, so that all runs on all
        machines together stay within them.

        Args:
            reference: Ours.
            verb: ``plan`` or ``request``.
            label: What the create will carry.
            at: The provider's time now.
            ours: Our own time now.
            still_wished: Whether the order, as it is in this moment, still asks for it.
            charge: Of a request: what it costs, and the limits it has to stay within.

        Returns:
            The intent, or ``None`` when it must not be sent: another process announced the same create and its outcome
            is unknown, or it was made already, or is not wished any more; of requests, also when any other of the order
            has no outcome.

        Raises:
            OrderEnded: The order ended, or a person asked to cancel it.
            OverBudget: It is not within its limits; says by how much, and how to go on. Nothing was announced.
        """
        with self.session() as session:
            row = self.locked(session, reference)
            if row.cancel_asked or row.ended is not None:
                raise OrderEnded(
                    "user_cancelled", row.outcome or f"Order {reference} was cancelled before the {verb} was made"
                )
            if creates.open_intent(session, reference, verb, label) is not None:
                return None
            if creates.made(session, reference, verb, label):
                return None
            if verb == "request" and creates.any_open(session, reference, verb):
                return None
            if not still_wished(record_of(row)):
                return None
            charged = {} if verb != "request" else self._charged(session, row, charge or Charge())
            number = creates.rounds(session, reference, verb, label) + 1
            intent = Intent(verb=verb, label=label, round=number, at=at, ours=ours)
            session.add(
                CreateAttemptRow(
                    reference=reference,
                    verb=verb,
                    label=label,
                    round=number,
                    announced_at=at,
                    announced_ours=ours,
                    **charged,
                )
            )
            said = f"About to create the {verb} {label}" + (f" (try {number})" if number > 1 else "")
            self.note(session, reference, f"{verb} intended", said, intent.model_dump(mode="json"))
            try:
                session.flush()
            except IntegrityError:
                session.rollback()
                return None
            return intent

    def _charged(self, session: Session, row: OrderRow, charge: Charge) -> dict[str, Any]:
        """The columns of an announcement that reserve what it costs; raises `OverBudget`."""
        payer, now, price = Payer(row.reference, row.account, row.site), self._now(), charge.price
        if limits := charge.limits(payer, now):
            charges.one_at_a_time(session, row.account)
            counted = charges.counted(session, payer, now, {limit.scope for limit in limits})
            if (why := over_budget(price, limits, counted, charge.after)) is not None:
                raise OverBudget(StatusCode.REJECTED, why)
        return {
            "account": row.account,
            "price": plain(price.amount) if price is not None else None,
            "currency": fitting("currency", price.currency) if price is not None else None,
            "charged_at": now,
        }

    def looked(self, reference: str, intent: Intent, ours: datetime, apart: timedelta) -> int:
        """Note that an announced create was looked for and is not there; how many such looks there are by now.

        Args:
            reference: Ours.
            intent: What was announced.
            ours: Our own time of this look.
            apart: Looks closer to the one before, or to the announcement, are not counted.
        """
        with self.session() as session:
            self.locked(session, reference)
            row = creates.row_of(session, reference, intent)
            before = creates.looks(row)
            last = before[-1] if before else intent.ours
            if last is not None and abs(ours - last) < apart:
                return len(before)
            row.looks = [*row.looks, ours.isoformat()]
            detail = {**intent.model_dump(mode="json"), "looked": ours.isoformat()}
            self.note(
                session, reference, f"{intent.verb} not seen", f"The {intent.verb} {intent.label} is not there", detail
            )
            return len(before) + 1

    def close_intent(self, reference: str, intent: Intent, outcome: str, message: str, /, **fields: Any) -> bool:
        """Close an intent with what became of it, together with what is then known.

        Args:
            reference: Ours.
            intent: What was announced.
            outcome: ``made``, ``adopted``, ``refused`` or ``absent``.
            message: For a person.
            fields: Columns of `OrderRecord`.

        Returns:
            Whether this closed it. It has one outcome: of two processes that see one, the second changes nothing. What
            that one made is not lost with it: see `made_late`.
        """
        with self.session() as session:
            row = self.locked(session, reference)
            attempt = creates.row_of(session, reference, intent)
            if attempt.outcome is not None:
                return False
            before = len(row.requests)
            assign(row, record_of(row), fields)
            charges.charge_new(row, before, attempt)
            attempt.outcome, attempt.settled_at = outcome, self._now()
            self.note(session, reference, f"{intent.verb} {outcome}", message, intent.model_dump(mode="json"))
            return True

    def made_late(self, reference: str, intent: Intent, message: str, /, **fields: Any) -> bool:
        """Keep what a create made whose intent has another outcome by now: it counted as absent, say.

        From then on nothing more is announced under its label. An order that had ended goes on; one that a person
        cancelled stays ended, and says what stands at the provider all the same.

        Args:
            reference: Ours.
            intent: What was announced.
            message: For a person.
            fields: Columns of `OrderRecord`.

        Returns:
            Whether it was news; not when the order knows it already.
        """
        with self.session() as session:
            row = self.locked(session, reference)
            before = record_of(row)
            attempt, known = creates.row_of(session, reference, intent), len(row.requests)
            assign(row, before, fields)
            charges.charge_new(row, known, attempt)
            after = self.snapshot(session, reference)
            if _standing(before) == _standing(after):
                session.rollback()
                return False
            attempt.made_late = True
            self.note(session, reference, f"{intent.verb} made late", message, intent.model_dump(mode="json"))
            if before.ended is not None and before.cancel_asked:
                row.status, row.outcome = before.status, plain(f"{(before.outcome or '').rstrip('.')}. But: {message}")
            elif before.ended is not None:
                row.ended = row.outcome = row.approval_question = row.deferred_end = None
                self.note(session, reference, "reopened", f"Goes on, though it had ended ({before.outcome})")
            return True

    def delivered(
        self,
        reference: str,
        request_id: str,
        home: str,
        what: Sequence[Deliverable],
        message: str,
        notes: Sequence[str],
    ) -> OrderRecord:
        """Note what stands whole in the archive.

        Args:
            reference: Ours.
            request_id: The provider's id of the request it is of.
            home: The order's folder in the archive.
            what: Each with its folders, and what was left out of it.
            message: For a person.
            notes: What a person should know of single files.
        """
        with self.session() as session:
            row = self.locked(session, reference)
            request = next(one for one in row.requests if one.provider_request_id == request_id)
            there = {one.name: one for one in request.deliverables}
            for one in what:
                name = plain(one.name)
                if name not in there:  # the provider names it no longer
                    there[name] = DeliverableRow(name=name)
                    request.deliverables.append(there[name])
                there[name].delivered_at = self._now()
                there[name].folders = plain(one.folders)
                there[name].missing_files = plain(one.missing_files)
            row.home, row.outcome_so_far = plain(home), plain(message)
            detail = {
                "request": request_id,
                "home": home,
                "folders": {one.name: one.folders for one in what},
                "left_out": {one.name: one.missing_files for one in what},
                "notes": notes,
            }
            self.note(session, reference, "delivered", message, detail)
            return self.snapshot(session, reference)

    def gone(self, reference: str, names: Mapping[str, Collection[str]], message: str) -> OrderRecord:
        """Note what no longer stands in the archive, so that it is delivered again.

        Args:
            reference: Ours.
            names: Of deliverables, by the provider's id of their request.
            message: For a person.
        """
        with self.session() as session:
            row = self.locked(session, reference)
            for request in row.requests:
                for one in request.deliverables:
                    if one.name in names.get(request.provider_request_id, ()):
                        one.delivered_at = None
            self.note(session, reference, "gone", message)
            return self.snapshot(session, reference)


def _standing(record: OrderRecord) -> tuple[str | None, list[str]]:
    """What stands at the provider of an order, as far as it is known."""
    return record.plan_id, [one.last.id for one in record.requests]

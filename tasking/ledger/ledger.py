"""What changes an order: claims, columns, and the announcements of creates."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tasking.budget import Charge, Payer, over_budget
from tasking.errors import OrderEnded, OverBudget, ReferenceTaken
from tasking.ledger import charges, creates
from tasking.ledger.queries import Reading, in_turn
from tasking.ledger.records import Deliverable, Intent, OrderRecord
from tasking.ledger.rows import WITH_ALL, assign, record_of
from tasking.ledger.tables import CreateAttemptRow, DeliverableRow, OrderRow
from tasking.ledger.values import fitting, plain, refuse_too_long
from tasking.status import StatusCode


class Revision(NamedTuple):
    """A change of an order: its line in the journal (``None`` for none), and its columns."""

    happened: str | None
    message: str
    fields: dict[str, Any]


class Ledger(Reading):
    """The orders and their journal. Usable from several processes and threads at once.

    Every method raises `LedgerUnavailable` when the database does not answer, or refuses to work: it takes no writes,
    lacks a right or a column, or holds an order that only newer code can read. None of that is about the order.
    """

    def claim(
        self,
        reference: str,
        order: dict[str, Any],
        *,
        provider: str,
        flow_run_id: str,
        owner_is_gone: Callable[[str], bool],
        started_since: Callable[[str, datetime], bool] = lambda _run, _when: True,
        part_of: str | None = None,
    ) -> OrderRecord:
        """Own a reference: the first run gets it, the same run keeps it, another only when the owner is gone.

        An order that ended without a delivery is opened again for the run that owns it (a person pressed Retry): the
        steps find what was already made. A delivered or cancelled one is handed back as it is, with ``ended`` set. So
        is one that a person gave up while this run was on its way: that is no Retry.

        Args:
            reference: Ours.
            order: The order, JSON; must equal the one first claimed. A dry run stands for no site, so that it holds
                back no order of one. An order without an account is kept under the provider's name.
            provider: Provider name.
            flow_run_id: Who asks.
            owner_is_gone: Tells for the owner's flow run id whether it can no longer go on.
            started_since: Tells for a flow run id whether a person started it, or pressed Retry on it, after a time.
            part_of: The order that it is a part of.

        Raises:
            ReferenceTaken: Another run owns it, or it names another order, or one that differs in capitals only.
            InvalidOrder: Reference, account or site is longer than the ledger keeps.
        """
        account = order.get("account", provider)
        for field, value in (("reference", reference), ("account", account), ("site", order.get("site"))):
            refuse_too_long(field, value)
        self._refuse_alike(reference)
        with self.session() as session:
            if self._add(session, reference, order, provider, flow_run_id, part_of):
                return self.snapshot(session, reference)
        self._refuse_alike(reference)  # claimed in this very moment
        held = self.read(reference)
        if held.provider != provider:
            raise ReferenceTaken(_of_another_order(held))
        given_up = held.ended if held.cancel_asked else None
        wanted = given_up is None or started_since(flow_run_id, given_up)
        gone = held.flow_run_id != flow_run_id and may_go_on(held) and wanted and owner_is_gone(held.flow_run_id)
        return self._take_over(held, order, flow_run_id, gone, wanted)

    def start_part(
        self,
        part_of: str,
        reference: str,
        order: dict[str, Any],
        *,
        provider: str,
        flow_run_id: str,
        fields: dict[str, Any],
        still_wished: Callable[[OrderRecord, Sequence[OrderRecord]], bool],
    ) -> OrderRecord | None:
        """Start a part of an order, if it is still wished in this moment: nobody else starts one, or cancels it, then.

        Args:
            part_of: The order's reference.
            reference: The part's.
            order: The part, JSON.
            provider: Provider name.
            flow_run_id: The run, which has to own the order.
            fields: Of `OrderRecord`: what was chosen for the part, and what is known of it.
            still_wished: Told the order, and all that belongs to it, as they are now.

        Returns:
            The part; ``None`` where it is not wished any more.

        Raises:
            ReferenceTaken: An order that is none of its parts has this reference, or one that differs in capitals only.
        """
        refuse_too_long("reference", reference)
        refuse_too_long("account", order["account"])
        with self.session() as session:
            whole = self.locked(session, part_of)
            rows = session.scalars(select(OrderRow).options(*WITH_ALL).where(OrderRow.part_of == part_of))
            parts = in_turn(record_of(row) for row in rows)
            if whole.flow_run_id != flow_run_id or whole.ended is not None or whole.cancel_asked:
                return None
            if any(one.reference == reference for one in parts) or not still_wished(record_of(whole), parts):
                return None
            if not self._add(session, reference, order, provider, flow_run_id, part_of):
                raise ReferenceTaken(
                    f"reference: {reference}: is to be a part of {part_of}, and another order has it: "
                    "order again under a reference of its own"
                )
            row = session.get_one(OrderRow, reference)
            assign(row, self.snapshot(session, reference), fields)
            self.note(session, part_of, "part started", f"Part {reference} at {order['account']}")
            return self.snapshot(session, reference)

    def _add(
        self,
        session: Session,
        reference: str,
        order: dict[str, Any],
        provider: str,
        flow_run_id: str,
        part_of: str | None,
    ) -> bool:
        """Add a new order; whether its reference was free. Else the transaction is rolled back."""
        now = self._now()
        session.add(
            OrderRow(
                reference=reference,
                provider=provider,
                account=order.get("account", provider),
                site=None if order.get("dry_run") else order.get("site"),
                name=fitting("name", plain(order["name"])),
                order=plain(order),
                flow_run_id=flow_run_id,
                host=fitting("host", socket.gethostname()),
                part_of=part_of,
                created=now,
                updated=now,
            )
        )
        try:
            session.flush()
        except IntegrityError:
            session.rollback()
            return False
        self.note(session, reference, "claimed", f"Order {reference} accepted: {order['name']}")
        return True

    def _refuse_alike(self, reference: str) -> None:
        """Refuse a reference that stands there in other capitals; one that stands itself goes on, as it did before."""
        with self.session(reading=True) as session:
            alike = select(OrderRow.reference).where(func.lower(OrderRow.reference) == reference.lower())
            there = session.scalars(alike.order_by(OrderRow.reference)).all()
        if there and reference not in there:
            raise ReferenceTaken(
                f"reference: {reference}: differs from {there[0]} in capitals only, and many disks do not tell them "
                "apart: give this order a reference of its own"
            )

    def _take_over(
        self, held: OrderRecord, order: dict[str, Any], flow_run_id: str, gone: bool, wanted: bool
    ) -> OrderRecord:
        mine = held.flow_run_id == flow_run_id
        if not mine and not gone:
            state = f"ended: {held.outcome}" if held.ended else "still open"
            raise ReferenceTaken(
                f"reference: {held.reference}: owned by flow run {held.flow_run_id} ({state}): "
                "give this order a reference of its own, or look at that run"
            )
        if not mine and not _same(held.order, order):
            raise ReferenceTaken(_of_another_order(held))
        with self.session() as session:
            row = self.locked(session, held.reference)
            if row.flow_run_id != held.flow_run_id:
                raise ReferenceTaken(f"reference: {held.reference}: flow run {row.flow_run_id} took it over just now")
            if not mine:
                row.flow_run_id = flow_run_id
                self.note(session, row.reference, "taken over", f"Run {flow_run_id} goes on for {held.flow_run_id}")
            now = record_of(row)
            given_up = now.cancel_asked and not (wanted and now.ended == held.ended)  # or in this very moment
            if now.ended is not None and may_go_on(now) and not given_up:
                row.ended = row.outcome = row.approval_question = row.deferred_end = None
                self.note(session, row.reference, "reopened", "Tried again; what was already made is found again")
            row.waits_for = row.wake_at = None
            row.host = fitting("host", socket.gethostname())
            return self.snapshot(session, row.reference)

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


def _of_another_order(held: OrderRecord) -> str:
    return f"reference: {held.reference}: names another order ({held.name}): give this order a reference of its own"


def _standing(record: OrderRecord) -> tuple[str | None, list[str]]:
    """What stands at the provider of an order, as far as it is known."""
    return record.plan_id, [one.last.id for one in record.requests]


def may_go_on(record: OrderRecord) -> bool:
    """Whether an order may be opened again once it has ended.

    ======================================  ==========================================================
    delivered                               no: there is nothing left to do
    cancelled before anything was ordered   no: a person wished so, and nothing is owed
    given up by a person after that         yes: Retry pressed since then fetches what was made, and orders nothing
    any other end                           yes: Retry finds what was made and goes on with it
    ======================================  ==========================================================
    """
    if record.ended is None:
        return True
    return record.status != StatusCode.COMPLETED and not (record.cancel_asked and not record.requests)


def _same(held: dict[str, Any], order: dict[str, Any]) -> bool:
    """Whether two orders ask for the same; fields that only one of them knows came or went with a new version."""
    return all(held[key] == order[key] for key in held.keys() & order.keys() if key != "reference")

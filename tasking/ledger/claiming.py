"""Who owns an order's reference: claimed by its run, or by the run of an order that it is a part of."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tasking.errors import ReferenceTaken
from tasking.ledger.queries import Reading, in_turn
from tasking.ledger.records import OrderRecord
from tasking.ledger.rows import WITH_ALL, assign, record_of
from tasking.ledger.tables import OrderRow
from tasking.ledger.values import fitting, plain, refuse_too_long
from tasking.status import StatusCode


class Claiming(Reading):
    """Orders get a run that owns them."""

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


def _of_another_order(held: OrderRecord) -> str:
    return f"reference: {held.reference}: names another order ({held.name}): give this order a reference of its own"


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

"""Between rows and records: an order is read as one snapshot, and written by the names of that snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import inspect
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.interfaces import LoaderOption

from tasking.errors import LedgerUnavailable
from tasking.ledger import charges
from tasking.ledger.records import OrderRecord, RequestRecord
from tasking.ledger.tables import CreateAttemptRow, DeliverableRow, OrderRow, PlanRow, RequestRow
from tasking.ledger.values import fitting, plain

WITH_ALL: tuple[LoaderOption, ...] = (
    selectinload(OrderRow.plans),
    selectinload(OrderRow.requests).selectinload(RequestRow.deliverables),
    selectinload(OrderRow.open_creates),
)
"""Reads all that belongs to many orders in one query for each table."""

_COLUMNS = tuple(inspect(OrderRow).column_attrs.keys())


def record_of(row: OrderRow) -> OrderRecord:
    """The order in a row; raises `LedgerUnavailable` when only other code can read it."""
    plan = _used(row.plans)
    given = {name: getattr(row, name) for name in _COLUMNS} | {
        "plan_id": plan.provider_plan_id if plan is not None else None,
        "planned_at": plan.planned_at if plan is not None else None,
        "plans_forgotten": sum(one.forgotten_at is not None for one in row.plans),
        "requests": [_request_of(one) for one in row.requests],
        "open_creates": [intent_of(one) for one in row.open_creates],
    }
    try:
        return OrderRecord.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)[:3]
        )
        raise LedgerUnavailable(
            f"the code on this machine cannot read order {row.reference} in the ledger ({wrong}): upgrade it"
        ) from None


def intent_of(row: CreateAttemptRow) -> dict[str, Any]:
    """An announcement, for `tasking.ledger.records.Intent`."""
    return {
        "verb": row.verb,
        "label": row.label,
        "round": row.round,
        "at": row.announced_at,
        "ours": row.announced_ours,
    }


def _used(plans: Iterable[PlanRow]) -> PlanRow | None:
    """The plan that is used: at most one is not forgotten."""
    return next((one for one in plans if one.forgotten_at is None), None)


def _request_of(row: RequestRow) -> dict[str, Any]:
    since = {one.name: one.available_since for one in row.deliverables if one.available_since is not None}
    captures = row.last.get("capture_ids", ())
    return {
        "attempt": row.attempt,
        "label": row.label,
        "plan_id": row.provider_plan_id,
        "candidate": row.candidate,
        "last": {**row.last, "available_since": {name: since[name] for name in captures if name in since}},
        "price": row.price,
        "currency": row.currency,
        "cancel_fee_percent": row.cancel_fee_percent,
        "covered_percent": row.covered_percent,
        "deliverables": [
            {
                "name": one.name,
                "delivered_at": one.delivered_at,
                "folders": one.folders,
                "missing_files": one.missing_files,
            }
            for one in row.deliverables
        ],
    }


def assign(row: OrderRow, now: OrderRecord, fields: dict[str, Any]) -> None:
    """Change an order by the names of `OrderRecord`; a function is asked for its value with the order as it stands.

    ``plan_id`` with ``planned_at`` is a plan that is used from now on; ``None`` forgets the one of today. ``requests``
    changes those that are known by their id, and adds the others: none is ever taken away.
    """
    values = {name: value(now) if callable(value) else value for name, value in fields.items()}
    if "plan_id" in values:
        _use_plan(row, now, values.pop("plan_id"), values.pop("planned_at", None))
    for one in values.pop("requests", ()):
        _put_request(row, one)
    for name, value in values.items():
        assert name in _COLUMNS, f"orders have no column {name}"
        setattr(row, name, fitting(name, plain(value)))


def _use_plan(row: OrderRow, now: OrderRecord, plan_id: str | None, planned_at: datetime | None) -> None:
    if now.plan_id == plan_id:
        return
    if plan_id is None:
        used = _used(row.plans)
        assert used is not None, "there is one to forget"
        used.forgotten_at = row.updated
        return
    assert now.plan_id is None, "a plan is forgotten before another one is used"
    row.plans.append(
        PlanRow(
            account=row.account,
            environment=row.environment,
            label=now.plan_label,
            provider_plan_id=plain(plan_id),
            planned_at=planned_at,
        )
    )


def _put_request(row: OrderRow, one: RequestRecord) -> None:
    """Write a request as it stands by now."""
    last = one.last
    written = plain(last.model_dump(mode="json", exclude={"available_since"}))  # names, too, as they are kept
    there = next((held for held in row.requests if held.provider_request_id == written["id"]), None)
    if there is None:
        there = RequestRow(
            account=row.account,
            environment=row.environment,
            attempt=one.attempt,
            label=one.label,
            provider_plan_id=plain(one.plan_id),
            provider_request_id=written["id"],
            price=plain(one.price),
            currency=fitting("currency", one.currency),
            charged_at=row.updated,  # unless it was announced; see `charges.charge_new`
        )
        row.requests.append(there)
    if there.charged_at is None:  # written by older code since the upgrade
        there.charged_at = row.created
    there.candidate = plain(one.candidate)
    there.covered_percent = one.covered_percent
    there.status = last.status
    there.provider_status = written["provider_status"]
    there.cancel_until, there.next_poll_at, there.deadline = last.cancel_until, last.next_look_at, last.give_up_at
    there.last = written
    since = {plain(name): at for name, at in last.available_since.items()}
    known = {what.name: what for what in there.deliverables}
    for name in written["capture_ids"]:
        if name not in known:
            known[name] = DeliverableRow(name=name, missing_files=[])
            there.deliverables.append(known[name])
        known[name].available_since = since.get(name, known[name].available_since)
    there.cancel_fee_percent = one.cancel_fee_percent
    there.due_percent = charges.due_percent(last, bool(there.deliverables), one.cancel_fee_percent)
    there.lapses_at = charges.lapses_at(last, row.order)

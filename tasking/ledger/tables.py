"""The ledger's tables (SQLAlchemy 2)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC times, also where the database keeps none (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Store UTC; a naive time is a mistake of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Read UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the ledger."""


class OrderRow(Base):
    """One order. `tasking.ledger.records.OrderRecord` tells what each column means."""

    __tablename__ = "orders"

    reference: Mapped[str] = mapped_column(String(100), primary_key=True)
    provider: Mapped[str] = mapped_column(String(40), index=True)
    account: Mapped[str] = mapped_column(String(200), index=True)
    environment: Mapped[str | None] = mapped_column(Text)
    site: Mapped[str | None] = mapped_column(String(100), index=True)
    name: Mapped[str] = mapped_column(String(200))
    order: Mapped[dict[str, Any]] = mapped_column("order_json", JSON)
    flow_run_id: Mapped[str] = mapped_column(String(40), index=True)
    deployment_id: Mapped[str | None] = mapped_column(String(40))
    deployment_name: Mapped[str | None] = mapped_column(Text)
    host: Mapped[str | None] = mapped_column(String(255))
    candidate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    next_candidates: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    coverage_aim_percent: Mapped[float | None]
    captures_cover_percent: Mapped[float | None]
    candidates_seen: Mapped[int] = mapped_column(default=0)
    candidates_dropped: Mapped[list[str]] = mapped_column(JSON, default=list)
    approval_question: Mapped[str | None] = mapped_column(Text)
    approvals_asked: Mapped[int] = mapped_column(default=0)
    approval_asked: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    approval_answer: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    approved_candidate_id: Mapped[str | None] = mapped_column(Text)
    next_try_since: Mapped[datetime | None] = mapped_column(UtcTime)
    deferred_end: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    status: Mapped[str | None] = mapped_column(String(40), index=True)
    provider_status: Mapped[str | None] = mapped_column(Text)
    waits_for: Mapped[str | None] = mapped_column(String(40))
    waits_message: Mapped[str | None] = mapped_column(Text)
    wake_at: Mapped[datetime | None] = mapped_column(UtcTime)
    next_poll_at: Mapped[datetime | None] = mapped_column(UtcTime)
    news_at: Mapped[datetime | None] = mapped_column(UtcTime)
    failing_step: Mapped[str | None] = mapped_column(String(40))
    failures: Mapped[int] = mapped_column(default=0)
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    price: Mapped[Decimal | None]
    currency: Mapped[str | None] = mapped_column(String(40))
    home: Mapped[str | None] = mapped_column(Text)
    outcome_so_far: Mapped[str | None] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(UtcTime, index=True)
    updated: Mapped[datetime] = mapped_column(UtcTime)
    ended: Mapped[datetime | None] = mapped_column(UtcTime, index=True)
    outcome: Mapped[str | None] = mapped_column(Text)
    part_of: Mapped[str | None] = mapped_column(String(100), index=True)
    called_off: Mapped[str | None] = mapped_column(Text)

    plans: Mapped[list[PlanRow]] = relationship(order_by="PlanRow.id")
    requests: Mapped[list[RequestRow]] = relationship(order_by="RequestRow.id")
    open_creates: Mapped[list[CreateAttemptRow]] = relationship(
        primaryjoin="and_(OrderRow.reference == CreateAttemptRow.reference, CreateAttemptRow.outcome.is_(None))",
        order_by="CreateAttemptRow.id",
        viewonly=True,
    )

    # many disks do not tell capitals apart, and a reference is a folder
    __table_args__ = (Index("ix_orders_reference_lower", func.lower(reference), unique=True),)


class PlanRow(Base):
    """One plan that was made for an order. The one that is used is the last, while it is not forgotten.

    Attributes:
        label: What it carries so that it can be found again.
        provider_plan_id: Theirs; ``None`` only of plans that were forgotten before there was this table.
        planned_at: When it was made, or found (provider time).
        forgotten_at: When the provider no longer knew it (our time).
    """

    __tablename__ = "plans"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    reference: Mapped[str] = mapped_column(ForeignKey("orders.reference"), index=True)
    account: Mapped[str] = mapped_column(String(200))
    environment: Mapped[str | None] = mapped_column(Text)
    label: Mapped[str] = mapped_column(String(150))
    provider_plan_id: Mapped[str | None] = mapped_column(Text, index=True)
    planned_at: Mapped[datetime | None] = mapped_column(UtcTime)
    forgotten_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RequestRow(Base):
    """One capture that was ordered: this is what costs money. `tasking.ledger.records.RequestRecord` tells of it.

    Two of one order may carry one label: where an answer came late, both were bought. Their ids differ.

    Attributes:
        provider_plan_id: The plan it was ordered from, where there are plans.
        provider_request_id: Theirs.
        status, provider_status, cancel_until, next_poll_at, deadline: Of ``last``, to be asked for (provider times).
        last: The provider's last word, but for what `DeliverableRow` has.
        charged_at: When it was announced (our time): it counts in that month.
        due_percent: Share of the price that is due, 0..100; ``None`` while it is reserved.
        lapses_at: From when on a reserved one is not due any more (our time); ``None`` when no time does that.
        cancel_fee_percent: What a cancel cost, in percent of the price, by the fees known when it was seen.
    """

    __tablename__ = "requests"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    reference: Mapped[str] = mapped_column(ForeignKey("orders.reference"), index=True)
    account: Mapped[str] = mapped_column(String(200))
    environment: Mapped[str | None] = mapped_column(Text)
    attempt: Mapped[int]
    label: Mapped[str] = mapped_column(String(150), index=True)
    provider_plan_id: Mapped[str | None] = mapped_column(Text)
    candidate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    provider_request_id: Mapped[str] = mapped_column(Text)
    status: Mapped[str | None] = mapped_column(String(40), index=True)
    provider_status: Mapped[str] = mapped_column(Text)
    price: Mapped[Decimal | None]
    currency: Mapped[str | None] = mapped_column(String(40))
    cancel_until: Mapped[datetime | None] = mapped_column(UtcTime)
    next_poll_at: Mapped[datetime | None] = mapped_column(UtcTime)
    deadline: Mapped[datetime | None] = mapped_column(UtcTime)
    last: Mapped[dict[str, Any]] = mapped_column(JSON)
    covered_percent: Mapped[float | None]
    charged_at: Mapped[datetime | None] = mapped_column(UtcTime)
    due_percent: Mapped[float | None]
    lapses_at: Mapped[datetime | None] = mapped_column(UtcTime)
    cancel_fee_percent: Mapped[float | None]

    deliverables: Mapped[list[DeliverableRow]] = relationship(order_by="DeliverableRow.id")

    __table_args__ = (
        UniqueConstraint("reference", "provider_request_id", name="uq_requests_of_an_order"),
        # a webhook names a request, in capitals or not
        Index("ix_requests_provider_request_id_lower", func.lower(provider_request_id)),
        Index("ix_requests_of_a_month", account, charged_at),
    )


class DeliverableRow(Base):
    """What can be fetched of a request: a capture, or a part of a delivery.

    Attributes:
        name: One of `tasking.provider.TaskingRequest.capture_ids`; unique in its request, not beyond.
        available_since: When it was first seen (provider time).
        delivered_at: When it stood whole in the archive (our time); ``None`` before, and once it is no longer there.
        folders: Its items' folders, below the order's; ``None`` where older code noted none.
        missing_files: What was left out, because the provider gave no file.
    """

    __tablename__ = "deliverables"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"))
    name: Mapped[str] = mapped_column(Text)
    available_since: Mapped[datetime | None] = mapped_column(UtcTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcTime)
    folders: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    missing_files: Mapped[list[str]] = mapped_column(JSON, default=list)

    __table_args__ = (UniqueConstraint("request_id", "name", name="uq_deliverables_of_a_request"),)


class CreateAttemptRow(Base):
    """One announcement of a create, and what became of it; see `tasking.create`.

    The round is unique for a label, so that of two processes that want to create the same thing only one may.

    Attributes:
        verb: ``plan`` or ``request``.
        announced_at: In the provider's time.
        announced_ours: The same moment by our own clock.
        looks: Our times at which it was looked for and was not there, oldest first.
        outcome: ``made``, ``adopted``, ``refused`` or ``absent``; ``None`` while it is not known.
        made_late: It was made after all, and that was known when ``outcome`` had been written down already.
        account, price, currency, charged_at: Of a request: who pays, what it costs, and since when that counts (our
            time).
    """

    __tablename__ = "create_attempts"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    reference: Mapped[str] = mapped_column(ForeignKey("orders.reference"))
    verb: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(150))
    round: Mapped[int]
    announced_at: Mapped[datetime] = mapped_column(UtcTime)
    announced_ours: Mapped[datetime | None] = mapped_column(UtcTime)
    looks: Mapped[list[str]] = mapped_column(JSON, default=list)
    outcome: Mapped[str | None] = mapped_column(String(20))
    settled_at: Mapped[datetime | None] = mapped_column(UtcTime)
    made_late: Mapped[bool] = mapped_column(default=False)
    account: Mapped[str | None] = mapped_column(String(200))
    price: Mapped[Decimal | None]
    currency: Mapped[str | None] = mapped_column(String(40))
    charged_at: Mapped[datetime | None] = mapped_column(UtcTime)

    __table_args__ = (
        UniqueConstraint("reference", "verb", "label", "round", name="uq_create_attempts_of_a_label"),
        Index("ix_create_attempts_open", account, outcome),
    )


class ArchiveRow(Base):
    """An archive that was used: one whose marker is missing has lost its disk.

    Attributes:
        key: The address, hashed: a path may be longer than a key.
        reference: The order that used it first.
    """

    __tablename__ = "archives"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    address: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(ForeignKey("orders.reference"))
    first_used: Mapped[datetime] = mapped_column(UtcTime)


class JournalRow(Base):
    """One thing that happened; rows are added, never changed, and nothing is decided by them."""

    __tablename__ = "journal"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    reference: Mapped[str] = mapped_column(ForeignKey("orders.reference"), index=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    event: Mapped[str] = mapped_column(String(100))
    message: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

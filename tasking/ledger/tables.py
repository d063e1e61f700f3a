"""The ledger's tables (SQLAlchemy 2)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, Index, String, Text, TypeDecorator, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


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
    site: Mapped[str | None] = mapped_column(String(100), index=True)
    name: Mapped[str] = mapped_column(String(200))
    order: Mapped[dict[str, Any]] = mapped_column("order_json", JSON)
    flow_run_id: Mapped[str] = mapped_column(String(40), index=True)
    host: Mapped[str | None] = mapped_column(String(255))
    plan_id: Mapped[str | None] = mapped_column(Text)
    planned_at: Mapped[datetime | None] = mapped_column(UtcTime)
    plans_forgotten: Mapped[int] = mapped_column(default=0)
    candidate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    candidates_seen: Mapped[int] = mapped_column(default=0)
    candidates_dropped: Mapped[list[str]] = mapped_column(JSON, default=list)
    approved_candidate_id: Mapped[str | None] = mapped_column(Text)
    requests: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    status: Mapped[str | None] = mapped_column(String(40), index=True)
    provider_status: Mapped[str | None] = mapped_column(Text)
    waits_for: Mapped[str | None] = mapped_column(String(40))
    waits_message: Mapped[str | None] = mapped_column(Text)
    wake_at: Mapped[datetime | None] = mapped_column(UtcTime)
    look_after: Mapped[datetime | None] = mapped_column(UtcTime)
    changed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    failing: Mapped[str | None] = mapped_column(String(40))
    failures: Mapped[int] = mapped_column(default=0)
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    price: Mapped[Decimal | None]
    currency: Mapped[str | None] = mapped_column(String(40))
    delivered: Mapped[list[str]] = mapped_column(JSON, default=list)
    outcome_so_far: Mapped[str | None] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(UtcTime, index=True)
    updated: Mapped[datetime] = mapped_column(UtcTime)
    ended: Mapped[datetime | None] = mapped_column(UtcTime, index=True)
    outcome: Mapped[str | None] = mapped_column(Text)

    # many disks do not tell capitals apart, and a reference is a folder
    __table_args__ = (Index("ix_orders_reference_lower", func.lower(reference), unique=True),)


class JournalRow(Base):
    """One thing that happened; rows are added, never changed."""

    __tablename__ = "journal"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    reference: Mapped[str] = mapped_column(ForeignKey("orders.reference"), index=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    event: Mapped[str] = mapped_column(String(100))
    message: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Names an intent or its outcome ("ref/request/ref#2/1/intent"): unique, so that of two processes that want to
    # create the same thing only one may, and so that one intent gets one outcome.
    once: Mapped[str | None] = mapped_column(String(300), unique=True)

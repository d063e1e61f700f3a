"""What requests cost, since when that counts, and what of it is due: by these the limits are kept.

Requests of before count by the price that is known of them, in the month in which they were announced, or else their
order was claimed. What a cancel cost was not kept: where a fee was known, the highest step counts that the last look
told of.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TIME = sa.DateTime(timezone=True)

ORDERS = sa.table(
    "orders",
    *(sa.column(name) for name in ("reference", "account", "price", "currency")),
    sa.column("order_json", sa.JSON),
    sa.column("created", TIME),
)
REQUESTS = sa.table(
    "requests",
    *(sa.column(name) for name in ("id", "reference", "label", "status")),
    *(sa.column(name, sa.Float) for name in ("due_percent", "cancel_fee_percent")),
    *(sa.column(name, TIME) for name in ("charged_at", "lapses_at")),
    sa.column("last", sa.JSON),
)
ATTEMPTS = sa.table(
    "create_attempts",
    *(sa.column(name) for name in ("id", "reference", "verb", "label", "outcome", "made_late")),
    *(sa.column(name) for name in ("account", "price", "currency")),
    *(sa.column(name, TIME) for name in ("announced_at", "announced_ours", "charged_at")),
)
DELIVERABLES = sa.table("deliverables", sa.column("request_id"))

OVER = ("failed", "expired", "cancelled")


def upgrade() -> None:
    """Add the columns, and fill them."""
    for column in (
        sa.Column("charged_at", TIME),
        sa.Column("due_percent", sa.Float),
        sa.Column("lapses_at", TIME),
        sa.Column("cancel_fee_percent", sa.Float),
    ):
        op.add_column("requests", column)
    for column in (
        sa.Column("account", sa.String(200)),
        sa.Column("price", sa.Numeric),
        sa.Column("currency", sa.String(40)),
        sa.Column("charged_at", TIME),
    ):
        op.add_column("create_attempts", column)
    op.create_index("ix_requests_of_a_month", "requests", ["account", "charged_at"])
    op.create_index("ix_create_attempts_open", "create_attempts", ["account", "outcome"])
    connection = op.get_bind()
    announced = _fill_attempts(connection)
    _fill_requests(connection, announced)


def _fill_attempts(connection: sa.Connection) -> dict[tuple[str, str], datetime]:
    """Charge the announced requests; when each label was announced that stands, by reference and label."""
    announced: dict[tuple[str, str], datetime] = {}
    columns = (ATTEMPTS.c.id, ATTEMPTS.c.reference, ATTEMPTS.c.label, ATTEMPTS.c.outcome, ATTEMPTS.c.made_late)
    times = (ATTEMPTS.c.announced_ours, ATTEMPTS.c.announced_at)
    found = (
        sa.select(*columns, *times, ORDERS.c.account, ORDERS.c.price, ORDERS.c.currency)
        .select_from(ATTEMPTS.join(ORDERS, ATTEMPTS.c.reference == ORDERS.c.reference))
        .where(ATTEMPTS.c.verb == "request")
        .order_by(ATTEMPTS.c.id)
    )
    for one in connection.execute(found).mappings().all():
        at = _utc(one["announced_ours"] or one["announced_at"])
        charged = {"account": one["account"], "price": one["price"], "currency": one["currency"], "charged_at": at}
        connection.execute(sa.update(ATTEMPTS).where(ATTEMPTS.c.id == one["id"]).values(**charged))
        if one["outcome"] in ("made", "adopted") or one["made_late"]:
            announced[one["reference"], one["label"]] = at
    return announced


def _fill_requests(connection: sa.Connection, announced: Mapping[tuple[str, str], datetime]) -> None:
    came = set(connection.scalars(sa.select(DELIVERABLES.c.request_id)))
    found = sa.select(
        REQUESTS.c.id, REQUESTS.c.reference, REQUESTS.c.label, REQUESTS.c.status, REQUESTS.c.last,
        ORDERS.c.order_json, ORDERS.c.created,
    ).select_from(REQUESTS.join(ORDERS, REQUESTS.c.reference == ORDERS.c.reference))  # fmt: skip
    for one in connection.execute(found).mappings().all():
        at = announced.get((one["reference"], one["label"])) or _utc(one["created"])
        values = {"charged_at": at, **_due(dict(one), one["id"] in came)}
        connection.execute(sa.update(REQUESTS).where(REQUESTS.c.id == one["id"]).values(**values))


def _due(one: Mapping[str, Any], came: bool) -> dict[str, Any]:
    """As `tasking.ledger.charges.due_percent` had it at this revision."""
    last, status = one["last"] or {}, one["status"]
    due: dict[str, Any] = {"due_percent": None, "lapses_at": None, "cancel_fee_percent": None}
    if came or last.get("capture_ids") or status == "completed":
        due["due_percent"] = 100.0
    elif status == "user_cancelled":
        fees = [float(step["percent"]) for step in last.get("cancel_fees") or ()]
        due["cancel_fee_percent"] = due["due_percent"] = max(fees, default=0.0)
    elif status in OVER or (status == "rejected" and last.get("final")):
        due["due_percent"] = 0.0
    elif status == "rejected":
        end = ((one["order_json"] or {}).get("window") or {}).get("end")
        due["lapses_at"] = None if end is None else _utc(datetime.fromisoformat(end))
    return due


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)

"""Of references that differ in capitals only, one; and a currency as wide as providers send it.

A ledger that holds such a pair already keeps both, and both orders go on: each gets a line in its journal that says so.
They are left out of the index. No third one comes of it, because a claim finds the two that stand.
"""

from collections import defaultdict
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

JOURNAL = sa.table(
    "journal",
    sa.column("reference", sa.String),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("event", sa.String),
    sa.column("message", sa.Text),
    sa.column("detail", sa.JSON),
)


def upgrade() -> None:
    """Widen, and index what is not alike already."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":  # which takes any text in any column
        op.alter_column("orders", "currency", type_=sa.String(40), existing_type=sa.String(3), existing_nullable=True)
    alike = defaultdict(list)
    for (reference,) in connection.execute(sa.text("SELECT reference FROM orders ORDER BY created, reference")):
        alike[reference.lower()].append(reference)
    twice = [sorted(each) for each in alike.values() if len(each) > 1]
    for each in twice:
        for reference in each:
            others = [other for other in each if other != reference]
            connection.execute(JOURNAL.insert().values(_line(reference, others)))
    names = [name for each in twice for name in each]
    rest = sa.column("reference").not_in(names) if names else None
    op.create_index(
        "ix_orders_reference_lower",
        "orders",
        [sa.text("lower(reference)")],
        unique=True,
        sqlite_where=rest,
        postgresql_where=rest,
    )


def _line(reference: str, others: list[str]) -> dict[str, object]:
    said = (
        f"Order {', '.join(others)} is called the same but for capitals. Both go on. On a disk that does not tell "
        "capitals apart they share a folder: deliver them to archives of their own, or to a disk that does"
    )
    return {
        "reference": reference,
        "at": datetime.now(UTC),
        "event": "references alike",
        "message": said,
        "detail": {"others": others},
    }

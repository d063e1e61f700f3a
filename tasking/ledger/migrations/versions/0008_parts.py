"""An order that goes to several accounts has parts: whose part an order is, and why it was called off as one."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add; no order of before is a part."""
    op.add_column("orders", sa.Column("part_of", sa.String(100), nullable=True))
    op.add_column("orders", sa.Column("called_off", sa.Text(), nullable=True))
    op.create_index("ix_orders_part_of", "orders", ["part_of"])

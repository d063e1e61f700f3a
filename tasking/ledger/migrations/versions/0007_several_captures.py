"""What an order of several captures has chosen, and is to cover."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Three columns; orders of before ask for one capture, and have chosen no more."""
    op.add_column("orders", sa.Column("next_candidates", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("orders", sa.Column("coverage_aim_percent", sa.Float()))
    op.add_column("orders", sa.Column("captures_cover_percent", sa.Float()))

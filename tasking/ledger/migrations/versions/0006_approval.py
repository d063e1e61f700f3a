"""What a person is asked, as the list stood then, and what was decided, by whom and when."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; what was asked before has neither, and can be answered all the same."""
    op.add_column("orders", sa.Column("approval_asked", sa.JSON))
    op.add_column("orders", sa.Column("approval_answer", sa.JSON))

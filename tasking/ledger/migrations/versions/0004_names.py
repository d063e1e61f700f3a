"""Columns with the words that the code has for them."""

from alembic import op

revision = "0004"
down_revision = "0003"

NEW_NAMES = {"look_after": "next_poll_at", "changed_at": "news_at", "failing": "failing_step"}


def upgrade() -> None:
    """Rename; what they hold stays."""
    for old, new in NEW_NAMES.items():
        op.execute(f"ALTER TABLE orders RENAME COLUMN {old} TO {new}")

"""The tables as they were before there were migrations (commit 128290c); a ledger of that day has them already."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make what is absent."""
    op.create_table(
        "orders",
        sa.Column("reference", sa.String(100), primary_key=True),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("site", sa.String(100)),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("order_json", sa.JSON, nullable=False),
        sa.Column("flow_run_id", sa.String(40), nullable=False),
        sa.Column("host", sa.String(255)),
        sa.Column("plan_id", sa.Text),
        sa.Column("planned_at", TIME),
        sa.Column("plans_forgotten", sa.Integer, nullable=False),
        sa.Column("candidate", sa.JSON),
        sa.Column("candidates_seen", sa.Integer, nullable=False),
        sa.Column("candidates_dropped", sa.JSON, nullable=False),
        sa.Column("approved_candidate_id", sa.Text),
        sa.Column("requests", sa.JSON, nullable=False),
        sa.Column("status", sa.String(40)),
        sa.Column("provider_status", sa.Text),
        sa.Column("waits_for", sa.String(40)),
        sa.Column("waits_message", sa.Text),
        sa.Column("wake_at", TIME),
        sa.Column("look_after", TIME),
        sa.Column("changed_at", TIME),
        sa.Column("failing", sa.String(40)),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
        sa.Column("price", sa.Numeric),
        sa.Column("currency", sa.String(3)),
        sa.Column("delivered", sa.JSON, nullable=False),
        sa.Column("outcome_so_far", sa.Text),
        sa.Column("created", TIME, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("ended", TIME),
        sa.Column("outcome", sa.Text),
        if_not_exists=True,
    )
    for column in ("provider", "account", "site", "flow_run_id", "status", "created", "ended"):
        op.create_index(f"ix_orders_{column}", "orders", [column], if_not_exists=True)
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("reference", sa.String(100), sa.ForeignKey("orders.reference"), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("event", sa.String(100), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("once", sa.String(300), unique=True),
        if_not_exists=True,
    )
    op.create_index("ix_journal_reference", "journal", ["reference"], if_not_exists=True)

"""What alembic runs: the connection comes from `tasking.ledger.upgrading`, in whose transaction all happens."""

from alembic import context

from tasking.ledger.migrations import TABLE
from tasking.ledger.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, version_table=TABLE
)
context.run_migrations()

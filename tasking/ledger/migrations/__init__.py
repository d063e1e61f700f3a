"""The ledger's schema, revision by revision (alembic).

`tasking.ledger.tables` says what the tables are; a revision in ``versions/`` says how a ledger of the one before
becomes that. To add one: change the tables, add ``versions/NNNN_what.py`` after the last, and set `HEAD`. A test holds
the three together. An older worker may be at work on the ledger meanwhile. So a revision adds; or, where old code would
write what new code no longer reads, it takes away what old code needs: that one stops then, and its orders wait.
"""

HEAD = "0008"
"""The revision of this code, written out: opening a ledger that stands there needs no alembic."""

TABLE = "ledger_revision"
"""Where a ledger keeps its revision; Prefect's own database may be the same one, and has ``alembic_version``."""

__all__ = ["HEAD", "TABLE"]

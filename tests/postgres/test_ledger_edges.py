"""The ledger at its edges, on Postgres."""

from tests.unit.test_ledger_edges import *

"""The ledger, on Postgres."""

from tests.unit.test_ledger import *

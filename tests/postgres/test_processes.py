"""Processes that open one old ledger in the same moment, on Postgres."""

from tests.stack.test_ledger_upgrade import *

"""Budgets, on Postgres."""

from tests.unit.test_budget import *

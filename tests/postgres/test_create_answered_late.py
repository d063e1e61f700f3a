"""A yes that comes late, on Postgres."""

from tests.unit.test_create_answered_late import *

"""A yes that comes late, on Postgres."""

from tests.integration.test_create_answered_late import *

"""Tests of real processes have what those with a Prefect server have, for processes that are killed beside it."""

from tests.prefect.conftest import installation as installation
from tests.support.fixtures import simulator as simulator

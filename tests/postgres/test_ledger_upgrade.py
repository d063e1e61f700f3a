"""The upgrade of a ledger, on Postgres."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tasking.errors import LedgerUnavailable
from tasking.ledger import open_ledger
from tests.integration.test_ledger_upgrade import *
from tests.integration.test_ledger_upgrade import WRITTEN


def test_who_may_not_change_the_tables_is_told_who_should(dumped: Callable[[Path], str]) -> None:
    url = dumped(WRITTEN / "128290c")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS worker"))
        connection.execute(text("CREATE ROLE worker LOGIN"))
        connection.execute(text("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO worker"))
        connection.execute(text("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO worker"))
    engine.dispose()
    with pytest.raises(LedgerUnavailable, match=r"could not be brought to revision .*tasking-flows list --ledger"):
        open_ledger(url.replace("ledger@", "worker@"))
    open_ledger(url).close()
    with closing(open_ledger(url.replace("ledger@", "worker@"))) as book:
        assert book.read("imagery").requests

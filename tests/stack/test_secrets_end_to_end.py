"""Secrets stay where they belong: orders that succeed and orders that fail, and then a search of every place there is.

One stack of real processes with all three providers, everything logged that can be logged, and secrets that cannot be
mistaken for anything else. Only the simulator's own state is left out: a provider may know its secrets.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tasking.delivery.verify import verify
from tests.support.secrets_search import MARK
from tests.support.secrets_stack import CLIENT_ID, PROVIDERS
from tests.support.secrets_story import SAID, Told, tell


@pytest.fixture(scope="module")
def told(prefect_database: Path) -> Iterator[Told]:
    """What happened, with everything it left still in place."""
    with tell(prefect_database) as told:
        yield told


def texts(told: Told, database: str, query: str) -> list[str]:
    """What a query finds, one text for each row."""
    with closing(sqlite3.connect(told.stack.folder / database)) as opened:
        return [" ".join(map(str, row)) for row in opened.execute(query)]


def test_no_secret_is_found_in_any_log_run_state_artifact_ledger_file_or_process(told: Told) -> None:
    found = [one for one in told.search.found if CLIENT_ID.lower() not in one or MARK.lower() in one]
    assert found == []


def test_a_client_id_is_found_nowhere_either(told: Told) -> None:
    assert [one for one in told.search.found if CLIENT_ID.lower() in one] == []


def test_prefect_shows_account_blocks_with_their_secrets_masked(told: Told) -> None:
    accounts = 2 * len(PROVIDERS)
    for field, blocks in (("client_id", accounts), ("client_secret", accounts), ("secret_path", 1), ("url", 1)):
        shown = [one["data"][field] for one in told.blocks if one["data"].get(field)]
        assert shown.count("********") == blocks, field
    assert MARK not in str(told.blocks)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_good_order_came_home_and_the_others_failed_with_the_servers_words(told: Told, provider: str) -> None:
    """Else nothing was searched that could have held a secret."""
    assert told.runs[f"{provider}-good"]["type"] == "COMPLETED"
    assert verify(told.stack.archive / f"{provider}-good") == []
    for how in ("no-token", "no-create"):
        state = told.runs[f"{provider}-{how}"]
        assert state["type"] == "FAILED"
        assert f"{SAID}: ***" in state["message"] or f"{SAID} ***" in state["message"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_servers_words_reach_every_place_that_was_searched(told: Told, provider: str) -> None:
    """Where the words beside the secrets arrived, the secrets were kept out on the way."""
    for database, query in (
        ("prefect/prefect.db", "select name, message from flow_run_state"),
        ("prefect/prefect.db", "select key, data from artifact"),
        ("prefect/prefect.db", "select name, message from log"),
        ("prefect/prefect.db", "select event, payload from events"),
        ("ledger.sqlite", "select reference, message from journal"),
        ("ledger.sqlite", "select reference, outcome from orders"),
    ):
        rows = texts(told, database, query)
        assert any(SAID in row and f"{provider} " in row for row in rows), query


def test_signed_addresses_and_all_loggers_were_at_work(told: Told) -> None:
    """Else there was nothing to leak: addresses are logged, without their queries, by libraries that log everything."""
    assert told.signatures >= 4
    logged = texts(told, "prefect/prefect.db", "select level, name, message from log")
    for part in ("10 httpcore.http11", "20 httpx", "/iceye/files/", ".zip?…", "/elsewhere/axelglobe?…"):
        assert any(part in line for line in logged), part
    assert "Invalid HTTP request" in (told.stack.folder / "logs" / "receiver.log").read_text()
    assert {"command line", "environment", "row of task_run_state", "packed file"} <= told.search.places.keys()
    assert told.search.places["command line"] >= 6

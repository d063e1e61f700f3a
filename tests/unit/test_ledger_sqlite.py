"""A ledger in a file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tasking.errors import LedgerUnavailable
from tasking.ledger import migrations, open_ledger
from tests.unit.test_ledger import claim


def test_what_is_written_survives_the_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'deep' / 'ledger.sqlite'}"
    first = open_ledger(url)
    claim(first)
    first.record("bay", "planned", "Plan made", plan_id="p", detail={"try": 1})
    first.close()
    second = open_ledger(url)
    assert second.read("bay").plan_id == "p"
    assert [(one.event, one.message) for one in second.journal("bay")][-1] == ("planned", "Plan made")
    second.close()


def test_a_locked_ledger_is_an_error_that_may_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasking.ledger.engine.BUSY_SECONDS", 0.05)
    path = tmp_path / "ledger.sqlite"
    book = open_ledger(f"sqlite:///{path}")
    claim(book)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="locked") as caught:
        book.record("bay", plan_id="p")
    assert caught.value.retryable
    other.execute("ROLLBACK")
    other.close()
    assert book.read("bay").plan_id is None
    book.close()


def test_the_last_revision_is_the_one_that_opening_looks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]

"""One account that hangs or refuses keeps no other from being asked, and the watch says which."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest

from flows import accounts
from flows.accounts import look_at_all, silent_accounts
from tasking.clock import utc_now
from tasking.errors import CredentialsRefused
from tasking.ledger import OrderRecord
from tasking.paths import state_dir


@pytest.fixture(autouse=True)
def _outside_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "get_run_logger", lambda: logging.getLogger("test"))


def test_an_account_that_hangs_keeps_no_other_from_being_asked() -> None:
    never, asked = threading.Event(), threading.Event()

    def look(account: str, _records: list[OrderRecord]) -> int:
        if account == "hangs":
            never.wait()
        elif account == "refuses":
            raise CredentialsRefused("wrong secret")
        asked.set()
        return 3

    looks = look_at_all(look, {"hangs": [], "refuses": [], "answers": []}, timedelta(seconds=1))
    assert not never.is_set(), "we came back although it still hangs"
    assert asked.is_set()
    assert looks["answers"] == 3
    assert isinstance(looks["refuses"], CredentialsRefused)
    assert "longer than" in str(looks["hangs"])
    never.set()


def test_since_when_an_account_is_silent_is_kept_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    no = CredentialsRefused("wrong\nsecret")
    (first,) = silent_accounts({"a/b": no, "c/d": 2})
    assert (first.account, first.why) == ("a/b", "wrong secret")
    later = utc_now() + timedelta(hours=2)
    monkeypatch.setattr(accounts, "utc_now", lambda: later)
    assert [one.since for one in silent_accounts({"a/b": no})] == [first.since]
    assert silent_accounts({"a/b": 0}) == []  # nothing was due: it was not asked
    assert [one.since for one in silent_accounts({"a/b": no})] == [first.since]
    assert silent_accounts({"a/b": 1}) == []
    assert [one.since for one in silent_accounts({"a/b": no})] == [later]


def test_what_was_kept_may_be_broken() -> None:
    file = state_dir() / "silent-accounts.json"
    for text in ("", "[1]", '{"a/b": 7}', '{"a/b": "yesterday"}'):
        file.write_text(text)
        assert len(silent_accounts({"a/b": OSError("away")})) == 1

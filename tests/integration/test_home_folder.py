"""The folder of a machine for our own files: one and the same for every process."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.order_ledger import OrderLedger, load_ledger
from tasking.errors import LedgerUnavailable, OtherEnvironment
from tasking.paths import state_dir


@pytest.mark.parametrize("named", ["home", "./home", "data/flows", "..", "$HOME/flows"])
def test_a_relative_home_is_refused_and_made_nowhere(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run of an order starts in a folder of its own: each would have a ledger of its own, and order again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TASKING_FLOWS_HOME", named)
    with pytest.raises(OtherEnvironment, match=r"^TASKING_FLOWS_HOME: .*: is relative.* the whole path") as refused:
        state_dir()
    assert refused.value.retryable  # it is about the worker: no order ends by it
    with pytest.raises(OtherEnvironment):
        OrderLedger()
    assert list(tmp_path.iterdir()) == []


def test_an_order_waits_where_the_ledger_would_be_at_a_relative_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKING_FLOWS_HOME", "home")
    monkeypatch.setattr("blocks.order_ledger.load_block", lambda *_: OrderLedger())
    with pytest.raises(LedgerUnavailable, match="is relative"):
        load_ledger()


def test_home_is_the_folder_named_else_one_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKING_FLOWS_HOME", f" {tmp_path / 'deep' / 'home'} ")
    assert state_dir() == tmp_path / "deep" / "home"
    monkeypatch.setenv("HOME", str(tmp_path))
    for empty in ("", " "):
        monkeypatch.setenv("TASKING_FLOWS_HOME", empty)
        assert state_dir() == tmp_path / ".tasking-flows"
    monkeypatch.setenv("TASKING_FLOWS_HOME", "~/flows")
    assert state_dir() == tmp_path / "flows"

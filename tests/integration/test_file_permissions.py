"""Other users of the machine can neither read our files nor plant theirs where ours are expected."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tasking.errors import LedgerUnavailable
from tasking.ledger import open_ledger
from tasking.paths import private_folder, read_private
from tasks.recovery import runs

STRANGER = 65_534


@pytest.fixture
def given_away(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes a path another user's: root gives it away, anybody else becomes another one."""

    def give(path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
        else:
            stranger = os.geteuid() + 1
            monkeypatch.setattr(os, "geteuid", lambda: stranger)

    return give


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_our_folder_is_ours_alone(home: Path) -> None:
    assert mode(private_folder(home)) == 0o700
    home.chmod(0o755)
    assert mode(private_folder(home)) == 0o700


def test_a_folder_that_everybody_may_write_in_is_refused(home: Path) -> None:
    private_folder(home)
    home.chmod(0o777)
    with pytest.raises(PermissionError, match=r"chmod 700"):
        private_folder(home)


def test_anothers_folder_is_refused(home: Path, given_away: Callable[[Path], None]) -> None:
    private_folder(home)
    given_away(home)
    with pytest.raises(PermissionError, match="belongs to user"):
        private_folder(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link of another user's")
@pytest.mark.parametrize("which", ["", "tokens"])
def test_a_link_planted_by_another_is_not_followed(
    home: Path, tmp_path: Path, given_away: Callable[[Path], None], which: str
) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir(mode=0o700)
    link = home / which
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target)
    given_away(link)
    with pytest.raises(PermissionError, match="belongs to user"):
        private_folder(link)


def test_our_own_link_to_our_own_folder_is_fine(home: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o700)
    home.symlink_to(tmp_path / "disk")
    assert private_folder(home) == home


def test_a_file_that_another_could_have_written_is_not_read(tmp_path: Path, given_away: Callable[[Path], None]) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"sealed")
    file.chmod(0o600)
    assert read_private(file, 100) == b"sealed"
    file.chmod(0o666)
    assert read_private(file, 100) is None
    file.chmod(0o600)
    (tmp_path / "link").symlink_to(file)
    assert read_private(tmp_path / "link", 100) is None
    os.mkfifo(tmp_path / "pipe")
    assert read_private(tmp_path / "pipe", 100) is None
    given_away(file)
    assert read_private(file, 100) is None


def test_the_ledgers_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "ledger.sqlite"
    with closing(open_ledger(f"sqlite:///{file}")) as ledger:
        ledger.claim("bay", {"name": "Bay", "account": "a/b"}, provider="far", flow_run_id="r", owner_is_gone=bool)
        beside = sorted(file.parent.iterdir())
        assert len(beside) == 3
        assert {mode(one) for one in beside} == {0o600}
        for one in beside:  # as an older version left them
            one.chmod(0o644)
        open_ledger(f"sqlite:///{file}").close()
        assert {mode(one) for one in beside} == {0o600}
    assert mode(file.parent) == 0o700


def test_a_ledger_shared_by_a_group_on_purpose_stays_shared(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    open_ledger(f"sqlite:///{file}").close()
    file.chmod(0o660)
    open_ledger(f"sqlite:///{file}").close()
    assert mode(file) == 0o660


def test_a_ledger_that_another_user_made_is_refused(tmp_path: Path, given_away: Callable[[Path], None]) -> None:
    file = tmp_path / "ledger.sqlite"
    open_ledger(f"sqlite:///{file}").close()
    given_away(file)
    with pytest.raises(LedgerUnavailable, match="belongs to user"):
        open_ledger(f"sqlite:///{file}")


def test_a_ledger_that_everybody_may_replace_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(LedgerUnavailable, match="everybody may replace"):
        open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}")


def test_a_pipe_in_place_of_a_ledger_holds_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ledger.sqlite")
    with pytest.raises(LedgerUnavailable, match="no plain file"):
        open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")


def test_only_processes_of_our_own_user_keep_a_run_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_away: Callable[[Path], None]
) -> None:
    environ = tmp_path / "42" / "environ"
    environ.parent.mkdir()
    environ.write_bytes(b"PATH=/bin\0PREFECT__FLOW_RUN_ID=ours\0")
    (tmp_path / "42" / "cmdline").write_bytes(b"python\0-m\0prefect.engine\0")
    monkeypatch.setattr(runs, "PROCESSES", tmp_path)
    assert runs.running_processes()[1:] == ({"ours"}, None)
    for path in (environ, environ.parent):
        given_away(path)
    assert runs.running_processes()[1:] == (set(), None)


def test_the_state_folder_is_looked_at_each_time(home: Path) -> None:
    from tasking.paths import state_dir as ours

    assert ours() == home
    home.chmod(0o777)
    with pytest.raises(PermissionError):
        ours()

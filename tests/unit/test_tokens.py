from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasking.clock import ProviderClock
from tasking.errors import Unavailable
from tasking.http.tokens import SharedTokens, TokenAnswer
from tasking.lock import locked

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SECRET = "a secret"


class Server:
    """Counts how often a token was asked for."""

    def __init__(self, expires_in: float | None = 86400) -> None:
        self.asked, self.expires_in = 0, expires_in

    def __call__(self) -> TokenAnswer:
        self.asked += 1
        return TokenAnswer(access_token=f"token-{self.asked}", expires_in=self.expires_in)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def process(
    fetch: Callable[[], TokenAnswer],
    *,
    secret: str = SECRET,
    client_id: str = "me",
    audience: str = "a",
    now: datetime = NOW,
    clock: ProviderClock | None = None,
    patience_seconds: float = 5,
) -> SharedTokens:
    """What one process knows: nothing but the file."""
    return SharedTokens(
        fetch,
        token_url="https://auth.example.com/token",
        client_id=client_id,
        audience=audience,
        client_secret=secret,
        clock=clock or ProviderClock(),
        now=lambda: now,
        patience_seconds=patience_seconds,
    )


def test_a_thousand_processes_ask_for_one_token(home: Path) -> None:
    server = Server()
    assert {process(server).get() for _ in range(1000)} == {"token-1"}
    assert server.asked == 1


def test_threads_of_one_process_ask_for_one_token(home: Path) -> None:
    server, tokens, seen = Server(), set[str](), threading.Barrier(20)
    shared = process(server)

    def ask() -> None:
        seen.wait()
        tokens.add(shared.get())
        tokens.add(shared.refresh("token-1"))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == 2
    assert tokens <= {"token-1", "token-2"}


@pytest.mark.parametrize(
    ("expires_in", "life"),
    [
        (86400, 86400 - 300),  # the margin
        (3600, 3300),
        (1000, 900),  # never more than a tenth of its life
        (10, 9),
        (None, 270),
        (1e12, 30 * 86400 - 300),
    ],
)
def test_a_token_is_renewed_shortly_before_it_expires(home: Path, expires_in: float | None, life: float) -> None:
    server = Server(expires_in)
    process(server).get()
    assert process(server, now=NOW + timedelta(seconds=life - 1)).get() == "token-1"
    assert process(server, now=NOW + timedelta(seconds=life + 1)).get() == "token-2"


@pytest.mark.parametrize("expires_in", [0, -5])
def test_a_token_without_life_is_used_once(home: Path, expires_in: float) -> None:
    server = Server(expires_in)
    assert [process(server).get(), process(server).get()] == ["token-1", "token-2"]


def test_expiry_counts_the_providers_seconds(home: Path) -> None:
    clock = ProviderClock(lambda: NOW, own=True)
    clock.observe({"Date": "Tue, 01 Dec 2026 00:00:00 GMT", "X-Clock-Rate": "3600"})
    server = Server(7200)  # two of its hours are two of our seconds
    process(server, clock=clock).get()
    assert process(server, now=NOW + timedelta(seconds=1.5)).get() == "token-1"
    assert process(server, now=NOW + timedelta(seconds=2)).get() == "token-2"


def test_after_a_refusal_one_process_asks_and_the_others_take_what_it_got(home: Path) -> None:
    server = Server()
    processes = [process(server) for _ in range(5)]
    assert {each.get() for each in processes} == {"token-1"}
    assert {each.refresh("token-1") for each in processes} == {"token-2"}
    assert process(server).get() == "token-2"
    assert server.asked == 2


def test_the_file_is_its_owners_only_and_holds_nothing_readable(home: Path) -> None:
    process(Server(), client_id="some-client-id").get()  # long enough not to come up in ciphertext by chance
    folder = home / "tokens"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [each for each in folder.iterdir() if each.is_file()]
    assert len(files) == 2  # the token and its lock
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        for hidden in (b"token-1", b"some-client-id", SECRET.encode()):
            assert hidden not in file.read_bytes()
            assert hidden.decode() not in file.name


def test_a_folder_left_open_is_closed(home: Path) -> None:
    (home / "tokens").mkdir(parents=True, mode=0o755)
    (home / "tokens").chmod(0o755)
    process(Server()).get()
    assert stat.S_IMODE((home / "tokens").stat().st_mode) == 0o700


def test_a_wrong_secret_cannot_use_the_token_of_the_right_one(home: Path) -> None:
    server = Server()
    process(server).get()
    assert process(server, secret="wrong").get() == "token-2"


def test_accounts_and_audiences_do_not_share(home: Path) -> None:
    server = Server()
    tokens = [process(server), process(server, client_id="you"), process(server, audience="b")]
    assert len({each.get() for each in tokens}) == 3


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x00" * 200_000, b"gAAAAAB" + b"x" * 100])
def test_a_broken_file_is_replaced(home: Path, content: bytes) -> None:
    server = Server()
    process(server).get()
    (file,) = (each for each in (home / "tokens").iterdir() if each.suffix != ".lock")
    file.write_bytes(content)
    assert process(server).get() == "token-2"
    assert process(server).get() == "token-2"


def test_without_a_home_a_process_keeps_its_own_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "file" / "home"))
    server = Server()
    shared = process(server)
    assert [shared.get(), shared.get()] == ["token-1", "token-1"]
    assert "No token file can be kept" in caplog.text
    assert "token-1" not in caplog.text


def test_a_process_that_hangs_while_asking_does_not_hold_up_the_others_for_ever(home: Path) -> None:
    server = Server()
    process(server).get()
    (lock,) = (home / "tokens").glob("*.lock")
    with locked(lock, 1), pytest.raises(Unavailable, match="another process is asking"):
        process(server, patience_seconds=0.05).refresh("token-1")


def test_a_failed_request_leaves_the_lock_free(home: Path) -> None:
    def fails() -> TokenAnswer:
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        process(fails).get()
    assert process(Server()).get() == "token-1"


def test_a_token_answer_does_not_show_its_token() -> None:
    answer = TokenAnswer(access_token="hidden-token", expires_in=5)
    assert "hidden-token" not in f"{answer} {answer!r}"

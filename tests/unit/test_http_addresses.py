from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasking.errors import InvalidOrder
from tasking.http.address import checked_url, segment
from tasking.http.pace import HORIZON_SECONDS, Pace


@pytest.mark.parametrize(
    "url",
    [
        "https://api.axelglobe.com/wfs/tasking/v2/",
        "https://api.example.com:8443",
        "http://localhost:8600/x/",
        "http://127.0.0.1:8600/",
        "http://127.9.9.9/",
        "http://[::1]:8600/",
        " https://api.example.com/ ",
    ],
)
def test_https_and_loopback_addresses_are_accepted(url: str) -> None:
    assert checked_url("api_url", url).startswith(url.strip())


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("http://api.axelglobe.com/", "use https://"),
        ("http://localhost.evil.com/", "use https://"),
        ("http://127.0.0.1.evil.com/", "use https://"),
        ("http://0.0.0.0/", "use https://"),
        ("http://192.168.0.1/", "use https://"),
        ("ftp://api.example.com/", "beginning with https://"),
        ("api.example.com", "beginning with https://"),
        ("https://", "beginning with https://"),
        ("", "beginning with https://"),
        ("file:///etc/passwd", "beginning with https://"),
        ("https://user:pa55@api.example.com/", "leave user and password out"),
        ("https://api.example.com/?a=b", "before '?'"),
        ("https://api.example.com/#x", "before '?'"),
        ("https://[::1", "not a web address"),
        ("https://a\nb/", "not a web address"),
        ("https://api.example.com:99999/", "port"),
        ("https://api.example.com:port/", "not a web address"),
    ],
)
def test_any_other_address_is_refused_with_the_field_and_the_fix(url: str, fix: str) -> None:
    with pytest.raises(InvalidOrder) as caught:
        checked_url("api_url", url)
    assert caught.value.field == "api_url"
    assert fix in str(caught.value)
    assert "pa55" not in str(caught.value)


@given(st.text(min_size=1, max_size=40))
def test_an_id_stays_one_piece_of_a_path(identifier: str) -> None:
    try:
        piece = segment(identifier)
    except UnicodeEncodeError:
        return
    assert "/" not in piece
    assert "?" not in piece
    assert piece not in (".", "..")


# pacing --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_processes_of_a_machine_share_the_slots_of_an_account(home: Path) -> None:
    now, waited = 1000.0, list[float]()
    for _ in range(3):  # three processes, as far as the file can tell
        Pace("account", 5, sleep=waited.append, now=lambda: now).wait()
    Pace("another account", 5, sleep=waited.append, now=lambda: now).wait()
    assert waited == [pytest.approx(0.2), pytest.approx(0.4)]


def test_no_slot_is_handed_out_twice_by_real_processes(home: Path) -> None:
    code = (
        "from tasking.http.pace import Pace\n"
        "slots = []\n"
        "pace = Pace('account', 5, sleep=slots.append, now=lambda: 1000.0)\n"
        "[pace.wait() for _ in range(20)]\n"
        "print(*(round(slot, 3) for slot in slots))"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    slots = [float(slot) for process in running for slot in process.communicate(timeout=60)[0].split()]
    assert sorted(slots) == pytest.approx([number * 0.2 for number in range(1, 40)])


def test_a_clock_that_was_set_back_does_not_stop_the_calls(home: Path) -> None:
    waited = list[float]()
    Pace("account", 5, sleep=waited.append, now=lambda: 1e6 + HORIZON_SECONDS * 2).wait()
    Pace("account", 5, sleep=waited.append, now=lambda: 1e6).wait()
    assert waited == []


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 10])
def test_a_broken_pacing_file_is_no_trouble(home: Path, content: bytes) -> None:
    waited = list[float]()
    Pace("account", 5, sleep=waited.append, now=lambda: 1e6).wait()
    (file,) = (home / "pace").iterdir()
    assert "account" not in file.name
    file.write_bytes(content)
    pace = Pace("account", 5, sleep=waited.append, now=lambda: 1e6)
    pace.wait()
    pace.wait()
    assert waited == [pytest.approx(0.2)]


def test_without_a_home_a_process_keeps_to_the_rate_on_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "file" / "home"))
    waited = list[float]()
    pace = Pace("account", 5, sleep=waited.append, now=lambda: 1e6)
    pace.wait()
    pace.wait()
    assert waited == [pytest.approx(0.2)]
    assert "on its own" in caplog.text

"""Every call is over by its deadline, whatever the network does; on real sockets."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpcore
import httpx
import pytest

from tasking.clock import ProviderClock
from tasking.create import create_once
from tasking.errors import ProviderError, Unavailable, Uncertain, UnexpectedAnswer
from tasking.http import deadline
from tasking.http.api import Api, Operation
from tasking.http.deadline import Stopwatch, announced, left, within
from tasking.http.downloads import stream
from tasking.http.network import Network
from tasking.http.token_endpoint import ask_token
from tasking.ledger import open_ledger
from tests.support.http_calls import QUICK, Sheet, Thing, answering, api_for, create
from tests.support.ledgers import new_ledger
from tests.support.odd_server import Behave, odd_server, reply, sends

HASTY = QUICK.model_copy(
    update={"connect_seconds": 0.3, "write_seconds": 0.2, "read_seconds": 0.3, "create_start_seconds": 0.2}
)
BRIEF = QUICK.model_copy(
    update={"connect_seconds": 0.1, "write_seconds": 0.1, "read_seconds": 0.1, "answer_seconds": 0.2, "attempts": 1}
)
HELD_SECONDS = 8.0
"""So long a server keeps a caller that has no deadline; then it gives the answer that was promised."""

MADE = reply("201 Created", b'{"id": "a"}')


def holds(piece: bytes, first: bytes = b"", last: bytes = MADE, told: list[str] | None = None) -> Behave:
    """Sends a piece again and again, and at last the answer, unless its caller has gone."""

    def behave(connection: socket.socket, _: bytes) -> bool:
        end = time.monotonic() + HELD_SECONDS
        try:
            connection.sendall(first)
            while time.monotonic() < end:
                connection.sendall(piece)
                time.sleep(0.02)
            connection.sendall(last)
        except OSError:
            (told if told is not None else []).append("gone")
        else:
            (told if told is not None else []).append("answered")
        return False

    return behave


PROCESSING = holds(b"HTTP/1.1 102 Processing\r\n\r\n")
EARLY_HINTS = holds(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
LONG_HEAD = holds(b"x", first=b"HTTP/1.1 201 Created\r\nX-Long: ", last=b"\r\n" + MADE.partition(b"\r\n")[2])
MANY_HEADERS = holds(b"X-More: 1\r\n", first=b"HTTP/1.1 201 Created\r\n", last=MADE.partition(b"\r\n")[2])
STATUS_BY_BYTES = holds(b" ", first=b"HTTP/1.1 201", last=b"Created\r\n" + MADE.partition(b"\r\n")[2])
SLOW_BODY = holds(b"1\r\n \r\n", first=b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n", last=b"0\r\n\r\n")
SILENT = holds(b"")

HELD = {
    "1xx": PROCESSING,
    "early hints": EARLY_HINTS,
    "a long head": LONG_HEAD,
    "many headers": MANY_HEADERS,
    "the status by bytes": STATUS_BY_BYTES,
    "a slow body": SLOW_BODY,
    "silence": SILENT,
}

READS: dict[str, Callable[[Api], object]] = {
    "get": lambda api: api.get(api.url("things/1"), Thing, Operation("read")),
    "ask": lambda api: api.query(api.url("things"), {}, Thing, Operation("ask"), read_seconds=0.2),
    "token": lambda api: ask_token(api, str(api.base), json={}),
}


@pytest.mark.parametrize("behave", HELD.values(), ids=HELD.keys())
def test_a_create_that_is_held_is_uncertain_by_its_deadline(behave: Behave) -> None:
    with (
        odd_server(behave) as server,
        closing(Api("example", server.url, settings=BRIEF)) as api,
        pytest.raises(Uncertain),
    ):
        create(api)
    assert server.count("POST") == 1


@pytest.mark.parametrize("behave", HELD.values(), ids=HELD.keys())
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_a_read_that_is_held_is_unavailable_by_its_deadline(behave: Behave, read: Callable[[Api], object]) -> None:
    with odd_server(behave) as server, closing(Api("example", server.url, settings=BRIEF)) as api:
        with pytest.raises(Unavailable):
            read(api)
        assert len(server.requests) == 1


@pytest.mark.parametrize("behave", [each for each in HELD.values() if each is not SLOW_BODY])
def test_a_download_whose_head_is_held_is_unavailable_by_its_deadline(behave: Behave) -> None:
    with (
        odd_server(behave) as server,
        closing(Api("example", server.url, settings=BRIEF)) as api,
        pytest.raises(Unavailable),
        stream(api, server.url + "file", Operation("download")),
    ):
        pass


def test_a_body_that_unpacks_to_nothing_ends_by_its_deadline() -> None:
    nothing = gzip.compress(b"")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    behave = holds(f"{len(nothing):x}\r\n".encode() + nothing + b"\r\n", first=head, last=b"0\r\n\r\n")
    with (
        odd_server(behave) as server,
        closing(Api("example", server.url, settings=BRIEF)) as api,
        pytest.raises(Unavailable, match="cut short"),
    ):
        api.get(api.url("things/1"), Thing, Operation("read"))


def test_bytes_that_unpack_to_nothing_count_against_the_limit() -> None:
    body = gzip.compress(b"") * 6000
    answer = reply("200 OK", body, "Content-Encoding: gzip")
    with (
        odd_server(sends(answer)) as server,
        closing(Api("example", server.url, settings=QUICK)) as api,
        pytest.raises(UnexpectedAnswer, match="longer than"),
    ):
        api.get(api.url("things/1"), Thing, Operation("read"))


def test_an_encrypted_connection_that_never_comes_about_was_not_used() -> None:
    with odd_server(sends(b"")) as server:
        address = server.url.replace("http://", "https://")
        with pytest.raises(Unavailable, match="was not sent"), closing(Api("x", address, settings=BRIEF)) as api:
            create(api)


def test_a_proxy_that_holds_a_call_does_not_hold_it_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with odd_server(PROCESSING) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with closing(Api("example", "https://api.example.com/", settings=BRIEF)) as api:
            with pytest.raises(Uncertain):
                create(api)
            with pytest.raises(Unavailable):
                api.get(api.url("things/1"), Thing, Operation("read"))
        assert proxy.requests[0].startswith(b"CONNECT api.example.com:443")


def test_a_server_that_reads_byte_by_byte_does_not_hold_a_create_for_ever() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    over = threading.Event()

    def sip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            while not over.wait(0.02) and connection.recv(4096):
                pass

    threading.Thread(target=sip, daemon=True).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with closing(Api("example", url, settings=HASTY)) as api, pytest.raises(Uncertain, match="sent"):
        api.create(api.url("things"), {"name": "x" * 12_000_000}, Thing, Operation("create thing"))
    over.set()
    listener.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the test that means one has a proxy."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


# names and addresses -------------------------------------------------------------------------------------------------


class FakeTime:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    time = monotonic


class Nobody:
    """A network on which no address ever answers: each try lasts as long as it may."""

    def __init__(self, time: FakeTime) -> None:
        self.time, self.tried = time, list[str]()

    def connect_tcp(self, host: str, port: int, timeout: float, *_: Any) -> httpcore.NetworkStream:
        self.tried.append(host)
        self.time.now += timeout
        raise httpcore.ConnectTimeout("silent")


@pytest.mark.parametrize("count", [1, 2, 6, 40])
def test_the_addresses_of_a_name_share_one_connect_time(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    time, silent = FakeTime(), [f"192.0.2.{number}" for number in range(count)]
    monkeypatch.setattr(deadline, "time", time)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (each, 443)) for each in silent])
    network = Network(lambda *_: None)
    network._sockets = nobody = Nobody(time)  # type: ignore[assignment]
    with pytest.raises(httpcore.ConnectTimeout):
        network.connect_tcp("api.example.com", 443, timeout=10)
    assert nobody.tried == silent
    assert time.now - 1000 == pytest.approx(10)


@contextmanager
def silent_address(port: int) -> Iterator[str]:
    """An address of this machine where no connection is answered: what waits there to be accepted is full."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.77.0.1", port))
        listener.listen(0)
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.77.0.1", port))
        yield "127.77.0.1"


def test_a_silent_address_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    with odd_server(sends(MADE)) as server:
        port = int(server.url.rstrip("/").rpartition(":")[2])
        with silent_address(port) as silent:

            def two(host: str, *rest: Any, **more: Any) -> Any:
                one = real(host, *rest, **more)
                return [(*one[0][:4], (each, port)) for each in (silent, "127.0.0.1")] if host == "localhost" else one

            monkeypatch.setattr(socket, "getaddrinfo", two)
            settings = QUICK.model_copy(update={"connect_seconds": 0.6})
            with closing(Api("example", f"http://localhost:{port}/", settings=settings)) as api:
                assert create(api).id == "a"


@pytest.mark.parametrize("settings", [QUICK, HASTY])
def test_a_name_that_is_never_resolved_means_not_sent(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    over = threading.Event()

    def hangs(*_: Any, **__: Any) -> list[Any]:
        over.wait(HELD_SECONDS)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    settings = settings.model_copy(update={"connect_seconds": 0.2})
    with (
        closing(Api("example", "https://api.example.com/", settings=settings)) as api,
        pytest.raises(Unavailable, match=r"was not sent: no connection in time .its name is not resolved"),
    ):
        create(api)
    over.set()


def test_a_name_that_is_none_means_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with (
        closing(Api("example", "https://api.example.com/", settings=HASTY)) as api,
        pytest.raises(Unavailable, match=r"was not sent: no connection .*not known"),
    ):
        create(api)


# what stands above one call ------------------------------------------------------------------------------------------


def test_the_earlier_of_two_deadlines_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    time = FakeTime()
    monkeypatch.setattr(deadline, "time", time)
    assert left() is None
    with within(10):
        time.now += 4
        with within(60):
            assert left() == pytest.approx(6)
            assert left(2) == 2
        with within(1):
            assert left() == pytest.approx(1)
        time.now += 7
        assert left() == pytest.approx(-1)
    assert left(5) == 5


def test_a_machine_that_slept_is_past_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic, wall = FakeTime(), FakeTime()
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=monotonic.time, time=wall.time))
    with within(10):
        wall.now += 3600
        assert (left() or 0) < 0
        wall.now -= 7200
        monotonic.now += 11
        assert (left() or 0) < 0


def test_what_is_asked_within_a_deadline_ends_with_it_also_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = QUICK.model_copy(update={"attempts": 50, "retry_total_seconds": 1e6, "wait_initial_seconds": 1e3})
    patient = patient.model_copy(update={"wait_max_seconds": 1e3, "retry_after_max_seconds": 1e6})
    for headers in ({}, {"Retry-After": "9000"}):
        handler, sent = answering(httpx.Response(503, headers=headers))
        with within(0.2), pytest.raises(Unavailable):
            api_for(handler, patient).get(httpx.URL("https://api.example.com/v2/"), Thing, Operation("read"))
        assert len(sent) <= 2


def test_a_create_counts_from_its_announcement() -> None:
    handler, sent = answering(httpx.Response(201, json={"id": "a"}))
    with announced(Stopwatch(ago=QUICK.create_start_seconds + 1)), pytest.raises(Unavailable, match="was not sent"):
        create(api_for(handler))
    assert sent == []
    with announced(Stopwatch(ago=QUICK.create_start_seconds - 10)):
        assert create(api_for(handler)).id == "a"


# two processes on one order ------------------------------------------------------------------------------------------


class Shop:
    """A server that makes an order after it has held its caller for long, if that is still there; the next at once."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.asked = 0
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, request: bytes) -> bool:
        if request.startswith(b"GET"):
            connection.sendall(reply("200 OK", json.dumps({"things": ["a"] * len(self.made)}).encode()))
            return True
        with self._lock:
            self.asked += 1
            first = self.asked == 1
        if first:
            for _ in range(140):
                connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
                time.sleep(0.025)
        self.made.append(1)
        connection.sendall(MADE)
        return False


class OneOrder:
    """A provider as one process sees it: settle time 1.8 s, and a create is over after 1 s at the latest."""

    name, settle_seconds = "shop", 1.8

    def __init__(self, url: str) -> None:
        self.api, self.clock = Api("shop", url, settings=HASTY), ProviderClock()

    def learn_time(self) -> None:
        pass

    def find(self) -> str | None:
        page, _ = self.api.get(self.api.url("things"), Sheet, Operation("find"))
        return page.things[0] if page.things else None

    def create(self) -> str:
        return create(self.api).id


def test_an_order_held_by_1xx_while_another_process_settles_it_is_made_once(tmp_path: Path) -> None:
    assert HASTY.longest_create_seconds <= 1.0 < OneOrder.settle_seconds
    book = new_ledger(tmp_path)
    book.claim(
        "bay", {"name": "Bay", "account": "a/b"}, provider="shop", flow_run_id="run", owner_is_gone=lambda _run: False
    )
    shop = Shop()
    with odd_server(shop) as server:
        both = [threading.Thread(target=_bring_about, args=(tmp_path, server.url)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join(60)
    assert len(shop.made) == 1
    assert book.read("bay").plan_id == "a"
    book.close()


def _bring_about(folder: Path, url: str) -> None:
    """A process that comes back again and again until the order is made."""
    book, provider = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}"), OneOrder(url)
    while book.read("bay").plan_id is None:
        with suppress(ProviderError):
            create_once(
                *(book, provider, "bay", "request", "bay"),  # type: ignore[arg-type]
                find=provider.find,
                create=provider.create,
                made=lambda it: {"plan_id": it},
            )
        time.sleep(0.05)
    provider.api.close()
    book.close()

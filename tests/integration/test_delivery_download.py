"""One file: whole under its final name, or not there at all."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasking.delivery.download import FileFacts, fetch
from tasking.errors import DeliveryFailed, NotFound, Unavailable
from tests.support.asset_server import FileServer, Handler, file_server

BODY = bytes(range(256)) * 2000


@pytest.fixture(scope="module")
def server() -> Iterator[FileServer]:
    with file_server() as running:
        yield running


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5) as open_client:
        yield open_client


Get = Callable[..., FileFacts]


@pytest.fixture
def get(server: FileServer, client: httpx.Client, tmp_path: Path) -> Get:
    def run(path: str, name: str = "file.bin", **said: Any) -> FileFacts:
        return fetch(lambda: client.stream("GET", server.url(path)), tmp_path / name, wait_seconds=0, **said)

    return run


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def multihash(body: bytes) -> str:
    return "1220" + hashlib.sha256(body).hexdigest()


def test_a_whole_file_gets_its_name_and_its_facts(server: FileServer, get: Get, tmp_path: Path) -> None:
    server.file("/whole", BODY)
    facts = get("/whole", promised_size=len(BODY), promised_checksum=multihash(BODY))
    assert facts.path.read_bytes() == BODY
    assert (facts.size, facts.checksum) == (len(BODY), multihash(BODY))
    assert names(tmp_path) == ["file.bin"]
    assert server.hits["/whole"] == 1


@pytest.mark.parametrize(("prefix", "kind"), [("1340", "sha512"), ("1114", "sha1"), ("d50110", "md5")])
def test_checksums_of_other_kinds_are_checked_as_well(server: FileServer, get: Get, prefix: str, kind: str) -> None:
    server.file("/kinds", BODY)
    assert get("/kinds", promised_checksum=prefix + hashlib.new(kind, BODY).hexdigest()).size == len(BODY)
    with pytest.raises(DeliveryFailed, match=f"its {kind} is"):
        get("/kinds", promised_checksum=prefix + hashlib.new(kind, b"other").hexdigest())


def test_a_checksum_of_an_unknown_kind_is_not_used(server: FileServer, get: Get) -> None:
    server.file("/unknown", BODY)
    assert get("/unknown", promised_checksum="9999abcdef").checksum == multihash(BODY)


def cut(handler: Handler) -> None:
    handler.say(BODY[:1000], content_length=str(len(BODY)))


def cut_chunks(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"3e8\r\n" + BODY[:1000] + b"\r\n")
    handler.close_connection = True


def no_length(handler: Handler) -> None:
    handler.say(BODY, content_length="")
    handler.close_connection = True


HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"
JSON = b'{"detail": "expired"}'
DAMAGED: dict[str, tuple[Callable[[Handler], None], str, dict[str, Any], str]] = {
    "cut": (cut, "a.bin", {}, "connection broke"),
    "cut between chunks": (cut_chunks, "a.bin", {}, "connection broke"),
    "no length": (no_length, "a.bin", {}, "states no length"),
    "shorter than promised": (lambda h: h.say(BODY), "a.bin", {"promised_size": 600_000}, "the item promises 600000"),
    "other bytes": (lambda h: h.say(BODY), "a.bin", {"promised_checksum": multihash(b"x")}, "its sha256 is"),
    "HTML for a TIFF": (lambda h: h.say(HTML), "a.tif", {}, "it is a web page"),
    "HTML for anything": (lambda h: h.say(HTML), "a.xyz", {}, "it is a web page"),
    "JSON for a TIFF": (lambda h: h.say(JSON), "a.tif", {}, 'it is not a TIFF; it starts with \'{"detail"'),
    "JSON for a TIFF by type": (
        lambda h: h.say(JSON),
        "a",
        {"media_type": "image/tiff; application=geotiff"},
        "a TIFF",
    ),
    "empty": (lambda h: h.say(b""), "a.bin", {}, "it is empty"),
    "error status": (lambda h: h.say(JSON, status=500), "a.json", {}, "HTTP 500 instead of the file"),
    "no content": (lambda h: h.say(BODY, status=206), "a.bin", {}, "HTTP 206"),
}


@pytest.mark.parametrize(("answer", "name", "said", "why"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_download_is_tried_three_times_and_leaves_nothing(
    server: FileServer,
    get: Get,
    tmp_path: Path,
    answer: Callable[[Handler], None],
    name: str,
    said: dict[str, Any],
    why: str,
) -> None:
    server.answers["/damaged"] = answer
    before = server.hits["/damaged"]
    with pytest.raises(DeliveryFailed, match="3 tries") as failed:
        get("/damaged", name, **said)
    assert why in str(failed.value)
    assert name in str(failed.value)
    assert names(tmp_path) == []
    assert server.hits["/damaged"] - before == 3


def test_a_download_that_breaks_once_is_begun_anew(server: FileServer, get: Get) -> None:
    answers: list[Callable[[Handler], None]] = [cut, lambda handler: handler.say(BODY)]
    server.answers["/once"] = lambda handler: answers.pop(0)(handler)
    assert get("/once").checksum == multihash(BODY)


def test_an_answer_without_length_is_taken_when_the_item_promises_one(server: FileServer, get: Get) -> None:
    server.answers["/closing"] = no_length
    assert get("/closing", promised_size=len(BODY)).size == len(BODY)


def test_a_compressed_answer_is_counted_as_it_travelled(server: FileServer, get: Get) -> None:
    import gzip

    server.file("/packed", gzip.compress(BODY), content_encoding="gzip")
    assert get("/packed", promised_size=len(BODY)).checksum == multihash(BODY)


def test_more_than_allowed_is_refused_before_and_while_it_comes(server: FileServer, get: Get, tmp_path: Path) -> None:
    server.file("/large", BODY)
    server.answers["/large-unsaid"] = no_length
    with pytest.raises(DeliveryFailed, match="at most 1000 are taken"):
        get("/large", max_bytes=1000)
    with pytest.raises(DeliveryFailed, match="at most 1000 are taken"):
        get("/large-unsaid", max_bytes=1000, promised_checksum=multihash(BODY))
    assert names(tmp_path) == []
    assert server.hits["/large"] == 1


def test_a_file_that_cannot_fit_is_refused_before_it_is_fetched(server: FileServer, get: Get, tmp_path: Path) -> None:
    server.file("/huge", BODY, content_length=str(10**17))
    with pytest.raises(DeliveryFailed, match="are free on the disk; free some space"):
        get("/huge", max_bytes=10**18)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EROFS, "the disk is read-only; give"),
        (errno.EIO, "disk"),
    ],
)
def test_a_disk_that_does_not_take_it_is_named_with_what_to_do(
    server: FileServer, get: Get, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fix: str
) -> None:
    def refuse(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    server.file("/disk", BODY)
    before = server.hits["/disk"]
    monkeypatch.setattr("tasking.delivery.storage.os.fsync", refuse)
    with pytest.raises(DeliveryFailed) as failed:
        get("/disk")
    assert fix in str(failed.value)
    assert str(tmp_path / "file.bin") in str(failed.value)
    assert names(tmp_path) == []
    assert server.hits["/disk"] - before == 1


def test_a_file_in_the_way_of_the_folder_is_a_delivery_that_failed(
    server: FileServer, get: Get, tmp_path: Path
) -> None:
    server.file("/way", BODY)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DeliveryFailed, match="choose another archive folder"):
        get("/way", "taken/file.bin")


@pytest.mark.parametrize(("error", "calls"), [(Unavailable("busy"), 3), (NotFound("gone"), 1)])
def test_a_providers_error_passes_and_is_retried_only_when_it_may_help(
    tmp_path: Path, error: Exception, calls: int
) -> None:
    seen: list[int] = []

    def refuse() -> AbstractContextManager[httpx.Response]:
        seen.append(1)
        raise error

    with pytest.raises(type(error)):
        fetch(refuse, tmp_path / "file.bin", wait_seconds=0)
    assert len(seen) == calls

"""A series comes home in parts over weeks: at its end every part is in the catalog, whatever befell the archive."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from tasking import lifecycle
from tasking.delivery.storage import mark
from tasking.delivery.verify import verify
from tasking.errors import DeliveryFailed
from tasking.ledger import RequestRecord
from tasking.provider import Provider, TaskingRequest
from tasking.status import StatusCode
from tasking.watching import poll_account
from tests.support.series import NOW, ORDER, PASS, Series
from tests.support.series import series as series

ALL = {"one-a", "one-b", "two-a", "two-b", "three-a", "three-b"}


def _unreadable(monkeypatch: pytest.MonkeyPatch, path: Path) -> list[int]:
    """The disk does not hand this file out, once for each number in the list."""
    real, times = Path.read_bytes, [errno.ESTALE]

    def read_bytes(self: Path) -> bytes:
        if self == path and times:
            raise OSError(times.pop(), "Stale file handle")
        return real(self)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    return times


@pytest.mark.parametrize("name", ["catalog.json", "one-a/one-a.json"])
def test_a_read_error_of_the_disk_takes_no_earlier_capture_out_of_the_catalog(
    series: Series, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    series.publish("three")
    times = _unreadable(monkeypatch, series.home / name)
    with pytest.raises(DeliveryFailed, match="Stale"):
        series.deliver("one", "two", "three")
    assert times == []
    series.end("one", "two", "three")
    assert series.in_the_catalog() == ALL


@pytest.mark.parametrize("name", ["catalog.json", "one-a/one-a.json"])
def test_a_read_error_in_the_midst_of_a_delivery_takes_none_either(
    series: Series, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    series.publish("three")
    list_it = series.provider.products

    def products(request: TaskingRequest) -> list[dict[str, Any]]:  # the disk was fine when the step began
        _unreadable(monkeypatch, series.home / name)
        return list_it(request)

    with monkeypatch.context() as once:
        once.setattr(series.provider, "products", products)
        with pytest.raises(DeliveryFailed, match="Stale"):
            series.deliver("one", "two", "three")
    series.end("one", "two", "three")
    assert series.in_the_catalog() == ALL


def _spoil_catalog(home: Path) -> None:
    (home / "catalog.json").write_text('{"links": [')


def _spoil_item(home: Path) -> None:
    (home / "one-b/one-b.json").write_text("")


def _take_file(home: Path) -> None:
    (home / "one-a/tci.tif").rename(home.parent / "for-my-talk.tif")


def _change_file(home: Path) -> None:
    body = bytearray((home / "two-b/tci.tif").read_bytes())
    body[-1] ^= 1
    (home / "two-b/tci.tif").write_bytes(body)


@pytest.mark.parametrize("harm", [_spoil_catalog, _spoil_item, _take_file, _change_file])
def test_what_a_person_harmed_is_delivered_again_and_the_series_comes_to_its_end(
    series: Series, harm: Callable[[Path], None]
) -> None:
    harm(series.home)
    series.publish("three")
    for _ in range(2):  # where sizes do not tell, the first try finds out what is damaged
        try:
            series.deliver("one", "two", "three")
        except DeliveryFailed as error:
            assert "not whole" in str(error)  # noqa: PT017
    assert set(series.ledger.read("bay").delivered) == {"one", "two", "three"}
    series.end("one", "two", "three")
    assert verify(series.home) == []
    assert series.in_the_catalog() == ALL
    assert max(series.server.hits.values()) <= 2, "what is whole is not fetched again"


def test_a_file_that_is_gone_when_the_series_ends_is_brought_home_before_it_counts_as_completed(series: Series) -> None:
    _take_file(series.home)
    series.end("one", "two")
    assert verify(series.home) == []
    assert "No longer whole" in "\n".join(one.message for one in series.ledger.journal("bay"))


def test_an_archive_that_is_another_folder_in_mid_series_holds_all_of_it_in_the_end(
    series: Series, tmp_path: Path
) -> None:
    series.root = tmp_path / "elsewhere"
    series.publish("three")
    series.end("one", "two", "three")
    assert series.in_the_catalog() == ALL
    assert verify(series.home) == []


def test_captures_that_the_provider_lists_no_more_and_that_stand_whole_hold_up_nothing(series: Series) -> None:
    series.provider.listed.clear()
    series.publish("three")
    series.end("one", "two", "three")
    assert series.in_the_catalog() == ALL
    assert set(series.server.hits.values()) == {1}


def test_a_series_begun_before_folders_were_noted_comes_to_its_end(series: Series) -> None:
    series.bring_home("one", "two")
    series.provider.listed.clear()
    series.end("one", "two")


def test_a_disk_that_goes_away_during_a_delivery_is_no_place_to_deliver_to(series: Series, tmp_path: Path) -> None:
    mark(series.root)
    series.publish("three", "four")
    answer = series.server.answers["/three-a/tci.tif"]

    def unmounted(handler: Any) -> None:
        if series.root.exists():
            series.root.rename(tmp_path / "the disk")
            (series.root / "bay/three-a").mkdir(parents=True)
        answer(handler)

    series.server.answers["/three-a/tci.tif"] = unmounted
    with pytest.raises(DeliveryFailed, match="went away"):
        series.deliver("one", "two", "three", "four")
    assert series.ledger.read("bay").delivered == ["one", "two"]


def test_what_was_given_up_on_is_named_at_the_end_also_when_another_capture_came_home_later(series: Series) -> None:
    series.publish("three", "four")
    series.provider.left_out["three"] = ["scene s9 of capture three"]
    series.deliver("one", "two", "three")
    series.end("one", "two", "three", "four")
    record = series.ledger.read("bay")
    assert (record.status, "scene s9 of capture three" in str(record.outcome)) == (StatusCode.COMPLETED, True)


def test_what_came_after_all_is_not_named_at_the_end(series: Series) -> None:
    series.publish("three")
    series.provider.left_out["three"] = ["scene s9 of capture three"]
    series.deliver("one", "two", "three")
    del series.provider.left_out["three"]
    (series.home / "three-a/tci.tif").unlink()
    series.end("one", "two", "three")
    assert "left out" not in str(series.ledger.read("bay").outcome)


def _request(name: str, status: StatusCode, *captures: str) -> TaskingRequest:
    due = ORDER.window.end + timedelta(days=14)
    return TaskingRequest(
        id=name, status=status, provider_status=status, capture_ids=captures, next_look_at=NOW, give_up_at=due
    )


@pytest.fixture
def two_requests(series: Series) -> Series:
    """The first was rejected, so the next candidate was ordered, and its capture can be fetched."""
    first, second = _request("r1", StatusCode.REJECTED), _request("r2", StatusCode.COMPLETED, "two")
    made = [
        RequestRecord(attempt=number, label=f"bay#{number}", candidate=PASS, last=each)
        for number, each in enumerate((first, second), start=1)
    ]
    before = series.request(StatusCode.COMPLETED, "one", "two")  # all of it is home
    series.ledger.record("bay", requests=[before, *made])
    series.provider.says |= {before.last.id: before.last}
    series.provider.says |= {"r1": first, "r2": second}
    return series


def test_a_rejected_request_that_is_accepted_again_is_fetched_after_the_next_candidate_came_home(
    two_requests: Series,
) -> None:
    wait = two_requests.go_on()
    assert wait is not None
    assert "r1" in wait.message
    assert two_requests.ledger.read("bay").ended is None
    assert two_requests.go_on(r1=_request("r1", StatusCode.PROCESSING)) is not None
    two_requests.publish("five")
    assert two_requests.go_on(r1=_request("r1", StatusCode.COMPLETED, "five")) is None
    assert {"two-a", "five-a"} <= two_requests.in_the_catalog()
    assert two_requests.ledger.read("bay").status == StatusCode.COMPLETED


def test_a_rejected_request_holds_the_order_open_until_the_window_ends_and_no_longer(
    two_requests: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = two_requests.go_on()
    assert wait is not None
    assert wait.until <= ORDER.window.end
    monkeypatch.setattr(two_requests.provider.clock, "now", lambda: ORDER.window.end)
    assert two_requests.go_on() is None
    assert two_requests.ledger.read("bay").status == StatusCode.COMPLETED


def test_the_other_way_round_it_waits_too_and_does_not_turn_in_circles(two_requests: Series) -> None:
    again = two_requests.go_on(r1=_request("r1", StatusCode.COMPLETED, "two"), r2=_request("r2", StatusCode.REJECTED))
    assert again is not None
    assert "r2" in again.message


def test_it_is_noted_once_when_a_capture_was_first_seen_published(series: Series) -> None:
    provider, seen = cast(Provider, series.provider), []
    for captures in (("one",), ("one", "two"), ("one", "two")):
        answer = {"r": _request("r", StatusCode.PROCESSING, *captures)}
        noted = lifecycle.record_statuses(series.ledger, provider, "bay", answer)
        seen.append(dict(noted.requests[0].last.available_since))
    assert seen[0]["one"] == seen[1]["one"] < seen[1]["two"]
    assert seen[1] == seen[2]


def test_the_watcher_does_not_wake_a_run_that_waits_for_a_rejected_request_before_there_is_news(
    two_requests: Series,
) -> None:
    two_requests.go_on()
    book, says = two_requests.ledger, two_requests.provider.says
    for status, news in ((StatusCode.REJECTED, False), (StatusCode.PROCESSING, False), (StatusCode.COMPLETED, True)):
        says["r1"] = _request("r1", status, *(["five"] if news else []))
        record = book.record("bay", waits_for="imagery", next_poll_at=book.now())
        assert poll_account(book, cast(Provider, two_requests.provider), [record]) == 1
        assert (book.read("bay").news_at is not None) is news, status

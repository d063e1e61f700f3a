"""A capture that the provider refuses, or whose file it cannot read, keeps no other of its series from coming home."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tasking import lifecycle
from tasking.clock import utc_now
from tasking.delivery.unzip import UNZIP
from tasking.errors import (
    CredentialsRefused,
    NotFound,
    OrderEnded,
    ProviderError,
    Refused,
    TaskingError,
    Unavailable,
    UnexpectedAnswer,
    UnsafeAsset,
)
from tasking.provider import TaskingRequest
from tasking.status import StatusCode
from tests.support.iceye_answers import TASK, iceye, json_answer
from tests.support.iceye_products import PRODUCTS, of_type, product, with_task
from tests.support.series import NOW, ORDER, Series
from tests.support.series import series as series
from tests.support.zip_files import zipped

FIVE = ("one", "two", "three", "four", "five")


def _no(kind: type[ProviderError]) -> ProviderError:
    return kind("there is no such thing", provider="axelglobe", verb="download", status=404)


def _refuse_files(series: Series, monkeypatch: pytest.MonkeyPatch, kind: type[ProviderError], *captures: str) -> None:
    """The provider lists these captures and hands out no raster of them."""
    real = series.provider.open_asset

    def open_asset(item: dict[str, Any], key: str) -> AbstractContextManager[httpx.Response]:
        if key == "tci" and item["id"].split("-")[0] in captures:
            raise _no(kind)
        return real(item, key)

    monkeypatch.setattr(series.provider, "open_asset", open_asset)
    monkeypatch.setattr("tasking.delivery.download.is_worth_another_try", lambda _: False)  # and no pause between


def _refuse_lists(
    series: Series, monkeypatch: pytest.MonkeyPatch, kind: type[ProviderError], *captures: str
) -> list[str]:
    """The provider lists nothing of these captures; hands back which were asked for."""
    real, asked = series.provider.products, list[str]()

    def products(request: TaskingRequest) -> list[dict[str, Any]]:
        asked.extend(request.capture_ids)
        if set(request.capture_ids) & set(captures):
            raise _no(kind)
        return real(request)

    monkeypatch.setattr(series.provider, "products", products)
    return asked


def _turns(series: Series, count: int) -> None:
    """The step and the pause after it, so many times."""
    for _ in range(count):
        try:
            series.deliver(*FIVE)
        except TaskingError as error:
            lifecycle.wait_after_error(series.ledger, ORDER, series.ledger.read("bay"), "pull-assets", error, 30)


REFUSALS = [NotFound, Refused, CredentialsRefused, UnexpectedAnswer]


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refused_file_keeps_no_other_capture_from_home_and_does_not_end_the_order(
    series: Series, monkeypatch: pytest.MonkeyPatch, kind: type[ProviderError]
) -> None:
    series.publish("three", "four", "five")
    with monkeypatch.context() as meanwhile:
        _refuse_files(series, meanwhile, kind, "three")
        with pytest.raises(kind, match=r"capture three: item three-a, asset tci: tci\.tif: there is no such thing"):
            series.deliver(*FIVE, status=StatusCode.COMPLETED)
    assert {"four-a", "four-b", "five-a", "five-b"} <= series.in_the_catalog()
    assert series.ledger.read("bay").delivered == ["one", "two", "four", "five"]
    assert series.ledger.read("bay").ended is None
    series.end(*FIVE)
    assert {"three-a", "three-b"} <= series.in_the_catalog()
    assert series.ledger.read("bay").status == StatusCode.COMPLETED


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_capture_that_cannot_be_listed_keeps_no_other_from_home(
    series: Series, monkeypatch: pytest.MonkeyPatch, kind: type[ProviderError]
) -> None:
    series.publish("three", "five")
    with monkeypatch.context() as meanwhile:
        _refuse_lists(series, meanwhile, kind, "three")
        with pytest.raises(kind, match=r"capture three \(not home either: four\): there is no such thing"):
            series.deliver(*FIVE, status=StatusCode.COMPLETED)
    assert series.ledger.read("bay").delivered == ["one", "two", "five"]
    assert series.ledger.read("bay").ended is None
    series.publish("four")
    series.end(*FIVE)


@pytest.mark.parametrize("lists", [True, False])
def test_a_file_that_its_server_can_never_read_keeps_no_other_from_home_for_long(
    series: Series, monkeypatch: pytest.MonkeyPatch, lists: bool
) -> None:
    series.publish("three", "four", "five")
    (_refuse_lists if lists else _refuse_files)(series, monkeypatch, Unavailable, "three")
    _turns(series, 2)
    assert series.ledger.read("bay").delivered == ["one", "two", "four", "five"]


def test_a_provider_that_is_away_is_asked_once_in_each_turn_and_waited_for(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    series.publish("three", "four", "five")
    with monkeypatch.context() as meanwhile:
        asked = _refuse_lists(series, meanwhile, Unavailable, *FIVE)
        series.give_up_at = utc_now() - timedelta(hours=1)
        _turns(series, 4)
    assert len(asked) == 4, "not once for each capture"
    record = series.ledger.read("bay")
    assert (record.failing_step, record.failures, record.ended) == ("pull-assets", 4, None)
    series.end(*FIVE)


def test_a_pause_that_the_server_asked_for_is_kept_also_when_other_captures_are_refused(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    def products(request: TaskingRequest) -> list[dict[str, Any]]:
        if request.capture_ids == ("three",):
            raise _no(NotFound)
        later = Unavailable("too many calls", provider="axelglobe", verb="search products", status=429)
        later.retry_after = 7200.0
        raise later

    monkeypatch.setattr(series.provider, "products", products)
    with pytest.raises(Unavailable) as away:
        series.deliver(*FIVE)
    wait = lifecycle.wait_after_error(series.ledger, ORDER, series.ledger.read("bay"), "pull-assets", away.value, 30)
    assert wait.until - utc_now() > timedelta(seconds=7000)


@pytest.mark.parametrize("refuse", [_refuse_files, _refuse_lists])
def test_a_capture_that_is_refused_until_patience_is_over_ends_the_order_with_all_others_home(
    series: Series, monkeypatch: pytest.MonkeyPatch, refuse: Any
) -> None:
    series.publish("three", "four", "five")
    series.give_up_at = NOW - timedelta(seconds=1)
    refuse(series, monkeypatch, NotFound, "three", "four")
    with pytest.raises(
        OrderEnded, match=r"capture three \(not home either: four\).*no such thing.*Request r was due by.*Retry"
    ) as ended:
        series.deliver(*FIVE)
    assert ended.value.status == StatusCode.FAILED
    assert series.ledger.read("bay").delivered == ["one", "two", "five"]


def test_an_unsafe_product_does_not_end_an_order_whose_other_files_may_still_come(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    series.publish("three", "four", "five")
    trap = series.server.file("/three.zip", zipped(("../evil.txt", b"x")))
    series.provider.listed["three"][0]["assets"]["delivery"] = {"href": trap, "type": "application/zip", UNZIP: True}
    with monkeypatch.context() as meanwhile:
        _refuse_files(series, meanwhile, NotFound, "four")
        with pytest.raises(NotFound, match=r"capture four \(not home either: three\)"):
            series.deliver(*FIVE)
    with pytest.raises(UnsafeAsset, match=r"capture three: item three-a, asset delivery: .*Nothing of it was kept"):
        series.deliver(*FIVE)
    assert series.ledger.read("bay").delivered == ["one", "two", "five", "four"]


def test_the_good_products_of_an_iceye_task_come_home_while_another_has_no_files_yet(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    series.request_id, answers = TASK, with_task()
    good, late = of_type("SLC"), product(assets={})
    answers.on("GET", PRODUCTS, *3 * [json_answer(200, {"data": [good, late]})])
    answers.on("GET", "/products/SLC.json", httpx.Response(200, json={"slc": 1}))
    with iceye(answers) as provider:
        monkeypatch.setattr(series, "provider", provider)
        with pytest.raises(UnexpectedAnswer, match=r"capture all-products: .*have no files: FRAME_1_GRD"):
            series.deliver("one", "two", "sla-products", "all-products", status=StatusCode.COMPLETED)
    assert "FRAME_1_SLC" in series.in_the_catalog()
    assert series.ledger.read("bay").ended is None


def test_what_has_files_at_done_comes_home_though_a_type_is_missing_and_the_order_goes_on(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    series.request_id, answers = TASK, with_task(productTypes=["GRD", "SLC", "CSI"])
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [of_type("SLC")]}))
    answers.on("GET", "/products/SLC.json", httpx.Response(200, json={"slc": 1}))
    with iceye(answers) as provider:
        monkeypatch.setattr(series, "provider", provider)
        series.bring_home("one", "two", "sla-products")  # long before: the SLA's
        parts = ("one", "two", "sla-products", "all-products")
        for _ in range(2):
            with pytest.raises(UnexpectedAnswer, match=r"capture all-products: .*GRD \(not listed\), CSI"):
                series.deliver(*parts, status=StatusCode.COMPLETED)
            assert "FRAME_1_SLC" in series.in_the_catalog()
    told = [entry for entry in series.ledger.journal("bay") if entry.event == "delivered"]
    assert len(told) == 3, "what came home is told once, however often the rest is asked for"
    assert (series.ledger.read("bay").ended, "all-products" in series.ledger.read("bay").delivered) == (None, False)

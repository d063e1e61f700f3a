"""From ICEYE's products to items that can be delivered, and to files whose addresses expire."""

from __future__ import annotations

import copy
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasking.delivery.outcome import Delivery
from tasking.delivery.provider_item import read_item
from tasking.delivery.verify import verify
from tasking.errors import CredentialsRefused, Incomplete, NotFound, Refused, Unavailable, UnexpectedAnswer
from tasking.iceye.models import Task
from tasking.iceye.products import items_of, not_listed
from tasking.iceye.provider import Iceye
from tasking.provider import Items, TaskingRequest
from tests.support.delivery import deliver as deliver_or_raise
from tests.support.iceye_answers import TASK, Answers, iceye, json_answer, task
from tests.support.iceye_products import ALL, PRODUCTS, SIGNED, SLA, TIMES, of_type, product, request, with_task

FILE = "/products/grd.json"


FLAT = {
    "id": "product-uuid",
    "productType": "GRD",
    "status": "available",
    "url": SIGNED,
    "expiresAt": "2026-12-04T12:00:00Z",
    "size": 12,
}


def items(*products: dict[str, Any]) -> list[dict[str, Any]]:
    return items_of(products, TASK, TIMES, (24.94, 60.17))[0]


def test_products_become_valid_items() -> None:
    (item,) = items(product())
    assert read_item(item).assets
    assert item["id"] == "FRAME_1_GRD"
    assert item["properties"]["datetime"] is None
    assert item["properties"]["order:id"] == TASK
    assert item["properties"]["iceye:collection"] == "private"
    assert "collection" not in item
    assert "created" not in item["properties"]


def test_a_flat_product_becomes_a_valid_item() -> None:
    (item,) = items(FLAT)
    assert read_item(item).assets
    assert (item["id"], list(item["assets"])) == ("product-uuid_GRD", ["grd"])
    assert item["assets"]["grd"]["file:size"] == 12
    assert item["geometry"] == {"type": "Point", "coordinates": [24.94, 60.17]}
    assert item["properties"]["start_datetime"] == "2026-12-04T10:00:00Z"


@pytest.mark.parametrize(("identifier", "kind", "told"), [
    ("F", "GRD", "F_GRD"),
    ("ICEYE-X2_GRD_SM_1", "GRD", "ICEYE-X2_GRD_SM_1"),
    ("F_GRD", "GRD-COG", "F_GRD_GRD-COG"),
    ("F_GRD-COG", "GRD", "F_GRD-COG_GRD"),
    ("F_GRD-COG", "GRD-COG", "F_GRD-COG"),
    ("GRDX", "GRD", "GRDX_GRD"),
])  # fmt: skip
def test_products_of_one_frame_get_ids_of_their_own(identifier: str, kind: str, told: str) -> None:
    assert [each["id"] for each in items(of_type(kind, identifier))] == [told]


def test_an_id_does_not_depend_on_what_else_is_listed() -> None:
    alone = items(of_type("GRD"))
    together = items(of_type("SLC"), of_type("GRD"), of_type("GRD-COG"))
    assert alone[0] in together
    assert len({each["id"] for each in together}) == 3


def test_files_listed_under_one_id_and_key_are_all_kept() -> None:
    second = product()
    second["assets"]["grd"]["href"] = "https://cdn.example.com/products/other.json?Signature=x"
    second["assets"]["more"] = {"href": "https://cdn.example.com/products/more.json"}
    (item,) = items(product(), product(2), second)
    assert len(item["assets"]) == 3
    assert item["assets"]["grd"]["href"] == f"{SIGNED}1"


@pytest.mark.parametrize("changes", [
    {"assets": {}},
    {"assets": None},
    {"assets": {"grd": {"href": ""}, "x": {"title": "no address"}, "y": 7}},
])  # fmt: skip
def test_a_product_without_files_is_waited_for(changes: dict[str, Any]) -> None:
    answers = with_task()
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [of_type("SLC"), product(**changes)]}))
    with iceye(answers) as provider:
        assert [each["id"] for each in provider.products(SLA)] == ["FRAME_1_SLC"]
        with pytest.raises(UnexpectedAnswer, match="have no files: FRAME_1_GRD"):
            provider.products(ALL)


LATE = {"Date": "Tue, 29 Dec 2026 00:00:00 GMT"}


def test_a_product_that_never_gets_files_does_not_hold_the_order_for_ever_and_is_named() -> None:
    answers = with_task(**LATE)
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [of_type("SLC"), product(assets={})]}, **LATE))
    with iceye(answers) as provider:
        listed = provider.products(ALL)
    assert [each["id"] for each in listed] == ["FRAME_1_SLC"]
    assert isinstance(listed, Items)
    assert listed.left_out == ("FRAME_1_GRD",)


HALF = {"thumbnail": {"href": "https://cdn.example.com/products/t.png"}, "grd-tif": {"href": None}, "grd-xml": None}


def test_an_image_without_an_address_is_waited_for_though_its_thumbnail_has_one() -> None:
    answers = with_task()
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [product(assets=HALF)]}))
    with iceye(answers) as provider:
        (item,) = provider.products(SLA)
        assert list(item["assets"]) == ["thumbnail"], "what is there comes home early, the rest with all products"
        with pytest.raises(UnexpectedAnswer, match="FRAME_1_GRD/grd-tif, FRAME_1_GRD/grd-xml"):
            provider.products(ALL)
        whole = product(assets={key: {"href": f"{SIGNED}{key}"} for key in HALF})
        answers.on("GET", PRODUCTS, json_answer(200, {"data": [whole]}))
        (item,) = provider.products(ALL)
        assert set(item["assets"]) == set(HALF)


def test_files_listed_without_and_with_an_address_are_whole() -> None:
    _, waiting = items_of([product(assets=HALF), product(assets={"grd-tif": {"href": SIGNED}})], TASK, TIMES, None)
    assert waiting == ["FRAME_1_GRD/grd-xml"]


def test_an_ordered_type_that_is_not_listed_is_waited_for_and_named_in_the_end() -> None:
    answers = with_task(productTypes=["GRD", "SLC"])
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [product()]}))
    with iceye(answers) as provider:
        assert len(provider.products(SLA)) == 1
        with pytest.raises(UnexpectedAnswer, match=r"have no files: SLC \(not listed\)"):
            provider.products(ALL)
        answers.on("GET", PRODUCTS, json_answer(200, {"data": [product(), of_type("SLC")]}))
        assert len(provider.products(ALL)) == 2
        answers.on("GET", PRODUCTS, json_answer(200, {"data": [product()]}, **LATE))
        answers.on("GET", f"/api/tasking/v2/tasks/{TASK}", json_answer(200, task(productTypes=["GRD", "SLC"]), **LATE))
        listed = provider.products(ALL)
    assert isinstance(listed, Items)
    assert (len(listed), listed.left_out) == (1, ("SLC (not listed)",))


@pytest.mark.parametrize(("listed", "missing"), [
    ([of_type("GRD"), of_type("SLC")], []),
    ([of_type("grd"), product(properties={}, id="X2_slc_1")], []),
    ([FLAT, product(properties={}, id="F", assets={"slc": {"href": "x"}})], []),
    ([of_type("GRD-COG"), of_type("SLC-COG")], ["GRD", "SLC"]),
    ([{"properties": 7, "assets": 7}], ["GRD", "SLC"]),
])  # fmt: skip
def test_a_type_is_told_by_what_a_product_says_of_itself(listed: list[dict[str, Any]], missing: list[str]) -> None:
    assert not_listed(("GRD", "SLC"), listed) == missing


def files(*keys: str, **changes: Any) -> dict[str, Any]:
    assets = {key: {"href": f"https://cdn.example.com/{key.replace('-', '.')}?Signature=x"} for key in keys}
    untyped = {**product()["properties"], "sar:product_type": None}
    return product(**{"id": TASK, "properties": untyped, "assets": assets, **changes})


NAMED: list[tuple[list[dict[str, Any]], list[str]]] = [
    ([files("grd-tif", "grd-xml", "slc-h5")], []),  # the public keys, one item for all
    ([files("GRD_TIF"), files("data", id="ICEYE_X2_SLC_SM_123")], []),
    ([files("a", "b", assets={"a": {"href": "https://x.example.com/X2_GRD_1.tif?s"}, "b": {"href": "/SLC-9.h5"}})], []),
    ([files("grd-cog", "slc-tif")], ["GRD"]),
    ([files("grd-tif", "slc-thumbnail-png")], ["SLC"]),
    ([files("grd-tif", assets={"p": {"href": "/SLC.png", "roles": ["thumbnail"]}, "grd": {"href": "/1"}})], ["SLC"]),
    ([files("gridded", "slcs")], ["GRD", "SLC"]),
]


@pytest.mark.parametrize(("listed", "missing"), NAMED)
def test_a_type_is_told_by_the_words_of_keys_and_names(listed: list[dict[str, Any]], missing: list[str]) -> None:
    assert not_listed(("GRD", "SLC"), listed) == missing


def test_files_that_have_addresses_are_handed_over_while_others_are_missing() -> None:
    answers = with_task(productTypes=["GRD", "SLC", "CSI"])
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [files("grd-tif", "slc-h5")]}))
    with iceye(answers) as provider, pytest.raises(Incomplete, match=r"no files: CSI \(not listed\)") as caught:
        provider.products(ALL)
    assert [set(each["assets"]) for each in caught.value.items] == [{"grd-tif", "slc-h5"}]


@pytest.mark.parametrize("said", [None, 7, "GRD", {"GRD": 1}, [None, 7, ""]])
def test_product_types_that_cannot_be_read_are_none_and_no_error(said: object) -> None:
    assert Task.model_validate(task(productTypes=said)).product_types == ()


def test_all_pages_of_products_are_read_and_nothing_is_asked_before_there_are_any() -> None:
    answers = with_task()
    pages = [
        json_answer(200, {"data": [of_type("GRD")], "cursor": "n"}),
        json_answer(200, {"data": [of_type("SLC")], "cursor": ""}),
    ]
    answers.on("GET", PRODUCTS, *pages)
    with iceye(answers) as provider:
        assert provider.products(request()) == []
        assert not answers.asked
        assert [each["id"] for each in provider.products(ALL)] == ["FRAME_1_GRD", "FRAME_1_SLC"]
        answers.on("GET", PRODUCTS, json_answer(404, {"code": "E", "message": "no products yet"}))
        assert provider.products(SLA) == []


def test_flat_products_take_their_place_from_the_task() -> None:
    answers = Answers()
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [FLAT]}))
    answers.on("GET", f"/api/tasking/v2/tasks/{TASK}", json_answer(200, task()))
    with iceye(answers) as provider:
        (item,) = provider.products(SLA)
    assert item["bbox"] == [24.94, 60.17, 24.94, 60.17]


def file_that_expires(live: str) -> Any:
    """A file that only the newest signature opens."""

    def answer(asked: httpx.Request) -> httpx.Response:
        assert "Authorization" not in asked.headers
        if asked.url.params["Signature"].endswith(live):
            return httpx.Response(200, json={"pixels": 1})
        return httpx.Response(403, text=f"<Error>expired {asked.url}</Error>")

    return answer


@pytest.mark.parametrize("by_type", [True, False])
def test_an_expired_address_is_asked_for_anew(by_type: bool) -> None:
    answers = Answers()
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [product(1)]}), json_answer(200, {"data": [product(2)]}))
    if by_type:
        answers.on("GET", f"{PRODUCTS}/GRD", json_answer(200, {"data": [product(2)]}))
    answers.on("GET", FILE, file_that_expires("2"))
    with iceye(answers) as provider:
        (item,) = provider.products(SLA)
        given = copy.deepcopy(item)
        for _ in range(2):
            with provider.open_asset(item, "grd") as response:
                assert json.loads(response.read()) == {"pixels": 1}
        assert item == given
    assert len(answers.calls("GET", FILE)) == 3  # the fresh address is used at once the second time


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_an_address_that_stays_refused_is_an_error_without_its_signature(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    answers = Answers()
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [product()]}))
    answers.on("GET", FILE, lambda asked: httpx.Response(status, text=f"no: {asked.url}"))
    with caplog.at_level(logging.DEBUG), iceye(answers) as provider:
        (item,) = provider.products(SLA)
        with pytest.raises(Refused) as caught, provider.open_asset(item, "grd"):
            pass
    assert len(answers.calls("GET", FILE)) == 2
    assert "very-secret-signature" not in f"{caught.value} {caught.value.__context__} {caplog.text}"


def test_a_product_that_is_gone_is_said_to_be() -> None:
    answers = Answers()
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [product()]}), json_answer(200, {"data": []}))
    answers.on("GET", FILE, httpx.Response(403))
    with iceye(answers) as provider:
        (item,) = provider.products(SLA)
        with pytest.raises(NotFound, match="no longer listed"), provider.open_asset(item, "grd"):
            pass


def test_credentials_refused_while_asking_anew_are_not_hidden() -> None:
    answers = Answers()
    no = json_answer(403, {"code": "E", "message": "suspended"})
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [product()]}), no)
    answers.on("GET", f"{PRODUCTS}/GRD", no)
    answers.on("GET", FILE, httpx.Response(403))
    with iceye(answers) as provider:
        (item,) = provider.products(SLA)
        with pytest.raises(CredentialsRefused, match="suspended"), provider.open_asset(item, "grd"):
            pass


def test_a_file_server_that_is_away_is_no_expiry() -> None:
    answers = Answers()
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [product()]}))
    answers.on("GET", FILE, httpx.Response(503))
    with iceye(answers) as provider:
        (item,) = provider.products(SLA)
        with pytest.raises(Unavailable), provider.open_asset(item, "grd"):
            pass
    assert len(answers.calls("GET", PRODUCTS)) == 1


class Breaks(httpx.SyncByteStream):
    """A body that ends in the middle."""

    def __iter__(self) -> Any:
        yield b'{"pix'
        raise httpx.ReadError("reset")


def deliver(provider: Iceye, folder: Path, what: TaskingRequest) -> Delivery:
    return deliver_or_raise(
        "ref",
        provider.products(what),
        folder,
        provider.open_asset,
        title="t",
        description="d",
        order_facts={},
        wait_seconds=0,
    )


def test_a_file_that_breaks_in_the_middle_and_expires_meanwhile_comes_home_whole(tmp_path: Path) -> None:
    answers = Answers()
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [product(1)]}))
    answers.on("GET", f"{PRODUCTS}/GRD", json_answer(200, {"data": [product(2)]}))
    after = file_that_expires("2")
    answers.on("GET", FILE, lambda _: httpx.Response(200, stream=Breaks(), headers={"Content-Length": "13"}), after)
    with iceye(answers) as provider:
        delivery = deliver(provider, tmp_path, SLA)
    assert delivery.new_files == 1
    assert json.loads(delivery.files[0].path.read_text()) == {"pixels": 1}
    assert verify(delivery.folder) == []


def test_no_signed_address_is_left_in_the_archive_and_the_rest_joins_the_first_products(tmp_path: Path) -> None:
    answers = with_task()
    slc = of_type("SLC")
    both = [product(2), slc]
    answers.on("GET", PRODUCTS, json_answer(200, {"data": [product(1)]}), json_answer(200, {"data": both}))
    answers.on("GET", FILE, httpx.Response(200, json={"grd": 1}))
    answers.on("GET", "/products/SLC.json", httpx.Response(200, json={"slc": 1}))
    with iceye(answers) as provider:
        first = deliver(provider, tmp_path, SLA)
        rest = deliver(provider, tmp_path, ALL)
    assert (first.items, first.new_files) == (("FRAME_1_GRD",), 1)
    assert (set(rest.items), rest.new_files) == ({"FRAME_1_GRD", "FRAME_1_SLC"}, 1)
    assert verify(rest.folder) == []
    for path in rest.folder.rglob("*.json"):
        assert "Signature" not in path.read_text()

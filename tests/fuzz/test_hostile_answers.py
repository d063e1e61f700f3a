"""A provider that means harm: whatever it answers, only our own errors come out, and no create is sent twice."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pydantic_core
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tasking.area import Area
from tasking.candidate import Candidate
from tasking.delivery.unzip import UNZIP
from tasking.delivery.verify import verify
from tasking.errors import TaskingError, Uncertain, UnexpectedAnswer
from tasking.footprint_map import footprint_svg
from tasking.order import Order
from tasking.provider import CancelTerms, Plan, Quote, TaskingRequest
from tasking.ranking import rank
from tests.support.delivery import deliver
from tests.support.hostile import Replay, Said, Step, changed, examples, hostile
from tests.support.hostile_outcomes import told
from tests.support.hostile_stories import LABEL, NARROW, START, STORIES, Story, replayed
from tests.support.hostile_values import BASE, Raw, encoded

AREA = Area.model_validate(NARROW)
CREATES = ("plan", "request", "client.start_analysis", "cancel", "register_webhook")


@pytest.fixture(autouse=True)
def _no_proxies(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def used(found: Any, order: Order, folder: Path, provider: Any) -> None:
    """Do with a verb's result what the rest of the project does with it."""
    if isinstance(found, Plan | TaskingRequest | Quote | CancelTerms):
        assert type(found).model_validate_json(found.model_dump_json()) == found
    elif isinstance(found, Mapping):
        for each in found.values():
            used(each, order, folder, provider)
    elif isinstance(found, list) and found and isinstance(found[0], Candidate):
        ranked = rank(AREA, found, order.select, START, window=order.window, off_nadir_range=order.off_nadir_range)
        assert len(ranked) == len(found)
        assert footprint_svg(AREA, ranked, ranked[0]).endswith("</svg>")
        assert [Candidate.model_validate_json(each.model_dump_json()) for each in found] == found


@pytest.mark.parametrize("name", STORIES)
def test_whatever_a_provider_answers_only_our_own_errors_come_out(name: str, tmp_path: Path) -> None:
    story = told(name)
    for step in story.steps:
        if step.heard:
            _never_another_error(story, step, tmp_path)


def _never_another_error(story: Story, step: Step, folder: Path) -> None:
    @examples(25)
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        which = data.draw(st.integers(0, len(step.heard) - 1))
        odd = data.draw(hostile(step.heard[which]))
        note(f"{step.name}: {odd.method} {odd.path} is answered {odd.status} {odd.headers} {odd.body[:3000]!r}")
        replay = Replay([story.token, *step.heard[:which], odd, *step.heard[which + 1 :]])
        with replayed(story, replay) as provider:
            try:
                used(step.call(provider), story.order, folder, provider)
            except TaskingError as error:
                assert len(str(error)) < 20_000  # noqa: PT017
        assert not replay.strangers()
        if step.name in CREATES:
            made = [each for each in replay.sent if (each.method, each.url.path) in _creates(step)]
            assert len(made) <= (2 if odd.status == 401 else 1)

    holds()


def _creates(step: Step) -> set[tuple[str, str]]:
    last = [each for each in step.heard if each.method in ("POST", "PATCH")][-1]
    return set() if "/analysis/" in last.path else {(last.method, last.path)}  # an analysis is a question, and repeated


def test_every_verb_and_every_call_of_a_client_is_answered_with_hostility() -> None:
    spared = {"close", "check", "rest_of", "error", "open_asset"}  # all but the last ask nobody
    through_a_verb = {
        "axelglobe": {"create_plan", "candidates", "create_request"},
        "iceye": {"create_task", "cancel_task", "feasibility", "register_webhook"},
        "satellogic": {"create_task", "cancel_task"},
    }
    for name, by_verb in through_a_verb.items():
        story = told(name)
        tried = {step.name for step in story.steps}
        with replayed(story, Replay([story.token])) as provider:
            verbs = {f"{each}" for each in _methods(provider)} - spared
            calls = {f"client.{each}" for each in _methods(provider.client) - by_verb - spared}
        assert verbs | calls <= tried


def _methods(thing: object) -> set[str]:
    return {each for each, _ in inspect.getmembers(type(thing), inspect.isfunction) if not each.startswith("_")}


@pytest.mark.parametrize("name", ["axelglobe", "iceye", "satellogic"])
def test_whatever_a_token_endpoint_answers_only_our_own_errors_come_out(name: str, home: Path) -> None:
    story = told(name)
    step = next(each for each in story.steps if each.name == "learn_time")

    @examples(60)
    @given(odd=hostile(story.token))
    def holds(odd: Said) -> None:
        for kept in (home / "tokens").glob("*"):
            kept.unlink()
        with replayed(story, Replay([odd, *step.heard])) as provider, suppress(TaskingError):
            provider.learn_time()

    holds()


# found by the search, and kept ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["data:,x", "javascript:alert(1)", "https://h:port/"])
@pytest.mark.parametrize("name", ["axelglobe", "iceye", "satellogic"])
def test_a_create_that_is_answered_with_no_address_is_uncertain_and_sent_once(name: str, location: str) -> None:
    story = told(name)
    step = next(each for each in story.steps if each.name == "request")
    odd = replace(step.heard[-1], status=307, headers=(("Location", location),))
    replay = Replay([story.token, *step.heard[:-1], odd])
    with replayed(story, replay) as provider, pytest.raises(Uncertain):
        step.call(provider)
    assert len([each for each in replay.sent if (each.method, each.url.path) in _creates(step)]) == 1


ODD_PAGES: list[dict[str, Any]] = [
    {"links": [{"rel": "next", "href": "?page=2", "method": 5}]},
    {"links": [{"rel": "next", "href": "?page=2", "method": "POST", "merge": True, "body": [5]}]},
    {"x": Raw("1e400")},
    {"x": [{"y": Raw("1" + "0" * 400)}]},
]


@pytest.mark.parametrize("odd", ODD_PAGES, ids=["a number for a method", "a list to merge", "infinite", "400 digits"])
def test_a_page_of_products_that_cannot_be_gone_on_from_is_unexpected(odd: dict[str, Any]) -> None:
    story = told("axelglobe")
    step = next(each for each in story.steps if each.name == "products")
    page = step.heard[-1].with_body({**json.loads(step.heard[-1].body), **odd})
    with replayed(story, Replay([story.token, *step.heard[:-1], page])) as provider, pytest.raises(UnexpectedAnswer):
        step.call(provider)


# what is delivered ---------------------------------------------------------------------------------------------------


def _of_any_bytes(items: list[Any]) -> list[Any]:
    """The items with two assets each, of which no bytes can be wrong: so far an honest one is delivered."""
    for item in items:
        some = list(item["assets"].items())[:2]
        item["assets"] = {key: {**each, "href": f"{BASE}/{n}.bin"} for n, (key, each) in enumerate(some)}
        for each in item["assets"].values():
            for field in ("type", "file:size", "file:checksum", UNZIP):
                each.pop(field, None)
    return items


@contextmanager
def _anything(_item: Any, _key: str) -> Iterator[httpx.Response]:
    yield httpx.Response(200, content=b"{}", headers={"Content-Length": "2"})


@pytest.mark.parametrize("name", STORIES)
def test_whatever_items_a_provider_lists_nothing_lands_outside_of_the_orders_folder(name: str, tmp_path: Path) -> None:
    story = told(name)
    step = next(each for each in story.steps if each.name == "products")
    with replayed(story, Replay([story.token, *step.heard])) as provider:
        honest = _of_any_bytes(step.call(provider)[:2])

    @examples(150)
    @given(odd=changed(honest), number=st.integers(0, 10**9))
    def holds(odd: Any, number: int) -> None:
        archive = tmp_path / "outer" / str(number)
        try:
            items = pydantic_core.from_json(encoded(odd))  # what cannot be JSON never comes this far
        except ValueError:
            return
        if not isinstance(items, list):
            return
        try:
            delivery = deliver(
                LABEL, items, archive, _anything, title="t", description="d", order_facts={}, tries=1, wait_seconds=0
            )
            assert verify(delivery.folder) == []
        except TaskingError:
            pass
        assert {each.name for each in tmp_path.iterdir()} <= {"outer", "home"}
        assert {each.name for each in archive.glob("*")} <= {LABEL}
        assert not [each for each in archive.rglob("*") if each.is_symlink() or each.suffix == ".part"]

    holds()


@pytest.mark.parametrize(
    "href",
    ["file:///etc/passwd", "../../x", "/etc/passwd", "https://127.1/x", "https://localhost./x", "https://a..b.com/"],
)
@pytest.mark.parametrize("name", ["axelglobe", "iceye", "satellogic"])
def test_the_address_of_an_asset_leads_to_nothing_of_ours(name: str, href: str) -> None:
    story = told(name)
    replay = Replay([story.token])
    item = {"id": "a", "properties": {}, "assets": {"../../x": {"href": href}}}
    with replayed(story, replay) as provider, pytest.raises(TaskingError), provider.open_asset(item, "../../x"):
        raise AssertionError("it was opened")
    assert all(str(each.url).startswith(f"{BASE}/") for each in replay.sent)  # a relative one is the provider's own
    assert not replay.sent or "://" not in href

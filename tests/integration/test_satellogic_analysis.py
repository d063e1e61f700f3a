"""An order does not stand on an analysis whose path, shape and words are not published; a misreading is no "no"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import httpx
import pytest

from tasking import lifecycle
from tasking.candidate import WHOLE_WINDOW
from tasking.errors import InvalidOrder, NotFound, OrderEnded, Refused, Unavailable
from tasking.ledger import Ledger, open_ledger
from tasking.lifecycle import OrderSession
from tasking.lifecycle.actions import Poll
from tasking.satellogic.order import SatellogicOrder
from tasking.satellogic.provider import Satellogic
from tests.support.satellogic_answers import ANALYSES, NOW, PASS, TASKS, Server, order, pages, task
from tests.support.sessions import AloneHere, session_of, until

WHOLE, NARROW = order(), order(narrow=True)
LIMITED = order(off_nadir_max_deg=20, sun_elevation_min_deg=30)
MADE = {"analysis_id": 7, "status": "in_progress"}
READ = f"GET {ANALYSES}/7"


@pytest.fixture(autouse=True)
def home_of_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")) as book:
        yield book


NOT_THERE: dict[str, Any] = {
    "404": httpx.Response(404, json={"detail": "Not found."}),
    "403": httpx.Response(403, json={"message": "Forbidden"}),
    "403 of a gateway": httpx.Response(403, text="<html>Forbidden</html>"),
    "405": httpx.Response(405, json={"detail": 'Method "POST" not allowed.'}),
    "410": httpx.Response(410),
    "400": httpx.Response(400, json={"sku": ["This field is required."]}),
    "401": httpx.Response(401, json={"detail": "Use Authorization."}),
    "501": httpx.Response(501),
    "a page": httpx.Response(200, text="<html>Welcome to Aleph</html>"),
    "nothing": httpx.Response(204),
    "no id": {"status": "accepted"},
    "a list": [MADE],
    "a redirect": httpx.Response(302, headers={"Location": "https://login.example.com/"}),
}


@pytest.mark.parametrize("answer", NOT_THERE.values(), ids=NOT_THERE.keys())
def test_without_an_analysis_a_window_is_ordered_all_the_same_and_one_opportunity_is_not(answer: Any) -> None:
    server = Server(**{f"POST {ANALYSES}": answer})
    provider = server.open()
    plan = provider.plan(WHOLE, "bay")
    assert plan.ready
    assert "without an analysis" in plan.note
    assert provider.read_plan(plan.id).ready
    (whole,) = provider.candidates(plan.id, WHOLE)
    assert (whole.id, whole.start, whole.end) == (WHOLE_WINDOW, WHOLE.window.start, WHOLE.window.end)
    assert "without an analysis" in whole.note
    for needing in (NARROW, LIMITED):
        with pytest.raises(Refused, match=r"needs an analysis.*Order the whole window"):
            provider.plan(needing, "bay")


@pytest.mark.parametrize("call", [f"POST {ANALYSES}", READ])
@pytest.mark.parametrize("garbled", [httpx.Response(201, text='{"analysis_id": 7, "sta'), httpx.Response(200, json=[])])
def test_one_garbled_answer_of_the_analysis_ends_no_order_of_one_opportunity(call: str, garbled: Any) -> None:
    first = [garbled]
    right = {f"POST {ANALYSES}": MADE, READ: MADE}
    server = Server(**{**right, call: lambda _request: first.pop() if first else httpx.Response(200, json=MADE)})
    provider = server.open()
    plan = provider.plan(NARROW, "bay")
    assert "without an analysis" not in provider.read_plan(plan.id).note
    assert first == []
    assert server.count("POST", ANALYSES) + server.count("GET", f"{ANALYSES}/7") == 3  # once more, and no more


def test_an_analysis_that_alone_is_out_of_order_holds_no_window_up_and_an_outage_of_all_does() -> None:
    server = Server(**{f"POST {ANALYSES}": httpx.Response(503)})
    provider = server.open()
    assert "does not answer" in provider.plan(WHOLE, "bay").note
    with pytest.raises(Unavailable):
        provider.plan(NARROW, "bay")
    server.answers["GET /contracts"] = httpx.Response(503)
    with pytest.raises(Unavailable):
        provider.plan(WHOLE, "bay")
    server.answers |= {f"POST {ANALYSES}": httpx.Response(429), "GET /contracts": []}
    with pytest.raises(Unavailable):
        provider.plan(WHOLE, "bay")


def test_no_analysis_is_asked_for_where_none_is_wished() -> None:
    server = Server()
    for provider, wanted in ((server.open(analysis="none"), WHOLE), (server.open(), order(analysis="none"))):
        plan = provider.plan(wanted, "bay")
        (whole,) = provider.candidates(plan.id, wanted)
        assert (whole.id, plan.note) == (WHOLE_WINDOW, "")
        assert server.asked == []
    with pytest.raises(InvalidOrder, match="analysis"):
        server.open(analysis="none").check(NARROW)
    server.open(analysis="none").check(order(narrow=True, analysis="can-add"))


def started(answer: Any, **settings: Any) -> tuple[Satellogic, Server, str]:
    server = Server(**{f"POST {ANALYSES}": MADE, READ: answer})
    provider = server.open(**settings)
    plan = provider.plan(WHOLE, "bay")
    server.now += timedelta(minutes=10)
    return provider, server, plan.id


UNREAD: dict[str, Any] = {
    "404": httpx.Response(404),
    "403": httpx.Response(403),
    "405": httpx.Response(405),
    "501": httpx.Response(501),
    "a page": httpx.Response(200, text="<html></html>"),
    "another name": {"analysis_id": 7, "status": "completed", "windows": [{"from": "2026-12-05T01:00:00Z"}]},
    "beside an empty list": {"id": 7, "status": "completed", "results": [], "data": {"passes": [PASS]}},
    "other fields": {"id": 7, "status": "completed", "results": [{"from": "2026-12-05T01:00:00Z"}]},
    "finished without a list": {"id": 7, "status": "completed", "result": "https://files.example.com/7.json"},
}


@pytest.mark.parametrize("answer", UNREAD.values(), ids=UNREAD.keys())
def test_an_analysis_that_cannot_be_read_is_never_not_feasible(answer: Any) -> None:
    provider, _, plan_id = started(answer)
    provider.clock.observe({"Date": f"{NOW + timedelta(minutes=10):%a, %d %b %Y %H:%M:%S} GMT"})
    assert provider.read_plan(plan_id).ready
    (whole,) = provider.candidates(plan_id, WHOLE)
    assert whole.id == WHOLE_WINDOW
    assert "without the opportunities analysis" in whole.note
    with pytest.raises((OrderEnded, NotFound)) as caught:
        provider.candidates(plan_id, NARROW)
    assert "Not feasible" not in str(caught.value)


@pytest.mark.parametrize("word", ["FINISHED_OK", "delivered", "failed", "partial", ""])
def test_results_are_results_whatever_the_word_and_an_unknown_word_is_told(word: str) -> None:
    six = [{**PASS, "start": f"2026-12-0{day}T01:00:00Z"} for day in range(4, 10)]
    provider, _, plan_id = started({"id": 7, "status": word, "results": six})
    assert provider.read_plan(plan_id).ready
    (whole,) = provider.candidates(plan_id, WHOLE)
    assert whole.note.startswith("6 opportunities by its opportunities analysis, the first on 2026-12-04 01:00")
    assert (word in whole.note) == (word in ("FINISHED_OK", "delivered", "partial", ""))
    assert len(provider.candidates(plan_id, NARROW)) == 6


def test_only_a_clear_no_is_not_feasible_and_its_advice_is_of_fields_that_there_are() -> None:
    clear: list[dict[str, Any]] = [{"id": 7, "status": "completed", "results": []}, {"opportunities": []}]
    for answer in clear:
        provider, _, plan_id = started(answer)
        for wanted in (WHOLE, NARROW):
            with pytest.raises(OrderEnded, match="Not feasible") as no:
                provider.candidates(plan_id, wanted)
            assert no.value.status == "rejected"
            assert "longer window" in str(no.value)
            assert "satellites" not in str(no.value)


def test_an_analysis_that_never_finishes_is_waited_for_and_then_done_without() -> None:
    provider, server, plan_id = started({"id": 7, "status": "thinking"})
    assert not provider.read_plan(plan_id).ready
    assert provider.candidates(plan_id, WHOLE) == []
    server.now += timedelta(minutes=21)
    assert provider.read_plan(plan_id).ready
    (whole,) = provider.candidates(plan_id, WHOLE)
    assert "did not finish within 30 minutes" in whole.note
    assert "thinking" in whole.note
    with pytest.raises(OrderEnded, match=r"Not ordered: narrow needs.*did not finish"):
        provider.candidates(plan_id, NARROW)
    server.answers[READ] = {"id": 7, "status": "in_progress", "results": [PASS]}
    (whole,) = provider.candidates(plan_id, WHOLE)
    assert whole.note.startswith("1 opportunity"), "what came until then is taken"


def test_an_analysis_of_a_day_ago_is_made_anew_and_so_is_one_that_failed_and_is_needed() -> None:
    provider, server, plan_id = started(httpx.Response(404))
    server.now += timedelta(days=1)
    with pytest.raises(NotFound):
        provider.read_plan(plan_id)
    provider, _, plan_id = started({"id": 7, "status": "failed"})
    assert "failed" in provider.candidates(plan_id, WHOLE)[0].note
    with pytest.raises(NotFound, match="the analysis failed"):
        provider.candidates(plan_id, NARROW)


def test_limits_of_the_view_and_of_the_sun_choose_the_opportunity_that_is_ordered(ledger: Ledger) -> None:
    given = [
        {**PASS, "start": "2026-12-04T01:00:00Z", "end": None, "off_nadir_deg": 25},
        {**PASS, "start": "2026-12-05T01:00:00Z", "end": None, "sun_elevation_deg": 12},
        {**PASS, "start": "2026-12-06T01:00:00Z", "end": None, "off_nadir_deg": None},
        {**PASS, "start": "2026-12-07T01:00:00Z", "end": None},
    ]
    provider, server, plan_id = started({"id": 7, "status": "completed", "results": given})
    session = in_ledger(ledger, provider, LIMITED, plan_id)
    lifecycle.list_candidates(session)
    assert session.seen.listed is not None
    ranked = session.seen.listed.ranked
    assert [one.candidate.start.day for one in ranked if one.usable] == [7]
    assert {one.exclusion_reason[:11] for one in ranked if not one.usable} == {"25.0° off n", "the sun at "}
    lifecycle.choose(session)
    server.answers |= {f"GET {TASKS}": pages([]), f"POST {TASKS}": task(1, task_name="bay")}
    lifecycle.request(session)
    sent = server.sent("POST", TASKS)
    assert (sent["start"], sent["end"]) == ("2026-12-07T00:50:00Z", "2026-12-07T01:10:00Z")
    server.answers[READ] = {"id": 7, "status": "completed", "results": [{"start": PASS["start"]}]}
    with pytest.raises(OrderEnded, match="does not tell the off-nadir angle"):
        provider.candidates(plan_id, LIMITED)


def in_ledger(book: Ledger, provider: Satellogic, wanted: SatellogicOrder, plan_id: str | None = None) -> OrderSession:
    session = session_of(book, provider, wanted, folder=Path(gettempdir()))
    lifecycle.accept(session, AloneHere())
    if plan_id is not None:
        book.record("bay", plan_id=plan_id)
    return session


@pytest.mark.parametrize("answer", [httpx.Response(404), httpx.Response(501), httpx.Response(200, text="<html>")])
def test_an_order_goes_from_acceptance_to_a_task_of_its_whole_window_without_an_analysis(
    ledger: Ledger, answer: Any
) -> None:
    server = Server(
        **{f"POST {ANALYSES}": answer, f"GET {TASKS}": pages([]), f"POST {TASKS}": task(1, task_name="bay")}
    )
    provider, wanted = server.open(), order()
    session = in_ledger(ledger, provider, wanted)
    assert isinstance(until(session, Poll), Poll), "the window has begun, and is ordered"
    assert lifecycle.requested(session.record())
    sent = server.sent("POST", TASKS)
    assert (sent["start"], sent["end"]) == ("2026-12-01T00:00:00Z", "2026-12-15T00:00:00Z")
    said = " ".join(one.message for one in ledger.journal("bay"))
    assert "without an analysis" in said
    assert server.count("POST", TASKS) == 1


def test_many_analyses_are_read_with_one_call_each_and_none_for_an_order_without() -> None:
    provider, server, plan_id = started({"id": 7, "status": "completed", "results": [PASS]})
    stamp = plan_id.rpartition("/")[2]
    forgotten, broken, without = "opportunities/8/20261201T000000Z", f"opportunities/9/{stamp}", f"none/wished/{stamp}"
    server.answers[f"GET {ANALYSES}/9"] = httpx.Response(429)
    plans = provider.read_plans([broken, plan_id, forgotten, without])
    assert {key: one.ready for key, one in plans.items()} == {plan_id: True, without: True}
    assert [server.count("GET", f"{ANALYSES}/{one}") for one in (7, 8)] == [1, 1]
    assert {each.url.path for each in server.asked if each.method == "GET"} == {f"{ANALYSES}/{n}" for n in (7, 8, 9)}
    with pytest.raises(Unavailable):
        provider.read_plans([broken])

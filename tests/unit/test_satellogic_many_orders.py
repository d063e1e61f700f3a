"""What a look over many tasks costs, and what it must not miss."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasking.provider import TaskingRequest
from tasking.status import StatusCode
from tests.support.satellogic_answers import NOW, TASKS, Server, pages, task


@pytest.fixture(autouse=True)
def home_of_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))


def test_among_thousands_of_old_tasks_ours_are_found_by_their_status_in_few_calls() -> None:
    old = [task(number, status="completed") for number in range(5000)]
    ours = [task(9000 + number, status="pending") for number in range(300)]
    server = Server(**{f"GET {TASKS}": pages([*old, *ours])})
    provider = server.open()
    known = {str(each["task_id"]): quiet(seen(str(each["task_id"]), "pending")) for each in ours}
    assert set(provider.read(list(known), None, known)) == set(known)
    assert len(server.asked) <= 5
    for each in ours[:150]:
        each["status"] = "in_progress"
    server.asked.clear()
    found = provider.read(list(known), None, known)
    assert {each.provider_status for each in found.values()} == {"pending", "in_progress"}
    assert sum(each.url.path == TASKS for each in server.asked) <= 7


@pytest.mark.parametrize("how", ["filter ignored", "filter refused", "small pages", "no count", "another order"])
def test_no_task_is_missed_however_the_list_is_given(how: str) -> None:
    tasks = [task(number, status="completed") for number in range(900)]
    tasks += [task(9000 + number, status="planning") for number in range(40)]
    tasks = tasks[::-1] if how == "another order" else tasks
    listed = pages(tasks, 7 if how == "small pages" else 100, filters=how != "filter ignored")

    def answer(request: httpx.Request) -> httpx.Response:
        if how == "filter refused" and "status" in request.url.params:
            return httpx.Response(400, json={"status": ["Unknown filter."]})
        given = listed(request)
        return httpx.Response(200, json={**given.json(), "count": None}) if how == "no count" else given

    single = {f"GET {TASKS}{each['task_id']}": each for each in tasks}
    server = Server(**{f"GET {TASKS}": answer}, **single)
    known = {str(9000 + number): quiet(seen(str(9000 + number), "planning")) for number in range(40)}
    assert set(server.open().read(list(known), None, known)) == set(known)


def seen(task_id: str, word: str, **more: Any) -> TaskingRequest:
    """What the ledger holds of a task that was read before."""
    patience = NOW + timedelta(days=30)
    status = StatusCode.SCHEDULED
    return TaskingRequest(
        id=task_id, status=status, provider_status=word, next_look_at=NOW, give_up_at=patience, **more
    )


def quiet(request: TaskingRequest) -> TaskingRequest:
    return request.model_copy(update={"quiet_until": NOW + timedelta(days=1)})


TAKEN, AHEAD = [{"start": "2026-12-03T01:00:00Z"}], [{"start": "2026-12-05T01:00:00Z"}]
CASES: list[tuple[str, dict[str, Any], list[dict[str, Any]], timedelta | None]] = [
    ("one, planning", {"status": "planning", "max_captures": 1}, [], timedelta(hours=11)),
    ("one, ahead", {"status": "pending", "max_captures": 1}, AHEAD, timedelta(days=1)),
    ("one, list lags", {"status": "pending", "max_captures": 1}, [], None),
    (
        "one, taken",
        {"status": "in_progress", "max_captures": 1},
        [{"start": "2026-12-03T01:00:00Z"}],
        timedelta(hours=1),
    ),
    ("several, taken", {"status": "in_progress", "max_captures": 3}, TAKEN, None),
    (
        "several, ahead",
        {"status": "pending", "max_captures": 3},
        [{"start": "2026-12-05T01:00:00Z"}],
        timedelta(hours=11),
    ),
    ("a number nobody tells", {"status": "in_progress"}, TAKEN, None),
    ("without a time", {"status": "in_progress", "max_captures": 1}, [{"start": None}], None),
    ("an unknown word", {"status": "hovering", "max_captures": 1}, [{"start": "2026-12-09T01:00:00Z"}], None),
    ("over its window", {"status": "planning", "end": "2026-12-03T00:00:00Z", "max_captures": 1}, [], None),
    ("completed, list lags", {"status": "completed", "max_captures": 1}, [], None),
    ("failed, not settled", {"status": "failed"}, TAKEN, None),
]


@pytest.mark.parametrize(("name", "said", "captures", "silence"), CASES, ids=[each[0] for each in CASES])
def test_captures_are_left_alone_only_while_the_word_tells_all(
    name: str, said: dict[str, Any], captures: list[dict[str, Any]], silence: timedelta | None
) -> None:
    listed = [{"capture_id": f"c{n}", "status": "queued", **each} for n, each in enumerate(captures)]
    given = task(1, **said)
    server = Server(**{f"GET {TASKS}1": lambda _: httpx.Response(200, json=given), f"GET {TASKS}1/captures/": listed})
    provider = server.open()
    first = provider.read(["1"])["1"]

    def asked() -> bool:
        server.asked.clear()
        provider.read(["1"], None, {"1": first})
        return server.count("GET", f"{TASKS}1/captures/") == 1

    server.now += silence or timedelta(seconds=1)
    assert asked() == (silence is None), name
    given["status"] = "completed" if said["status"] != "completed" else "partially_completed"
    assert asked(), "a changed word is looked into"

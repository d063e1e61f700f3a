"""The judge of the chaos runs: its yes is worth nothing unless it can say no."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from chaos.archive import wrong_files
from chaos.cancels import may_be_cancelled, untrue
from chaos.checker import Verdict, lost
from chaos.fail_point import FailPoint
from chaos.fault_plan import Fault
from chaos.orders import TestOrder
from chaos.outcome import Outcome
from chaos.spending import uncounted
from chaos.stuck_runs import LEAST_SECONDS, StuckRuns, runs_asleep
from chaos.table import problems, table
from devstack.kits import KITS
from tasking.delivery.unzip import UNZIP
from tasking.simulator.manifest import listed
from tests.support.asset_server import opener
from tests.support.delivery import deliver
from tests.support.image_files import tiff

PICTURE, TABLE = tiff(), b'{"looks": 4}'


def zipped() -> bytes:
    """A delivery zip of one picture and one JSON file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(zipfile.ZipInfo("visual.tif"), PICTURE)
        file.writestr(zipfile.ZipInfo("metadata.json"), TABLE)
    return packed.getvalue()


FILES = {"scene_PSM.tif": PICTURE, "scene_NIR.tif": tiff(pages=3), "scene.zip": zipped()}
KEYS = {"scene_PSM.tif": "tci", "scene_NIR.tif": "nir"}


def published(**more: bytes) -> list[dict[str, Any]]:
    """What the provider says it published: a picture, a zip, and what is in the zip."""
    files = {**FILES, "visual.tif": PICTURE, "metadata.json": TABLE, **more}
    return [listed(name, data, "scene", KEYS.get(name)) for name, data in files.items()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An order's folder, as our own delivery makes it."""
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "scene",
        "geometry": {"type": "Point", "coordinates": [139.8, 35.5]},
        "bbox": [139.8, 35.5, 139.8, 35.5],
        "properties": {"datetime": "2026-12-03T01:14:00Z"},
        "collection": "grus-1",
        "links": [{"rel": "collection", "href": "https://provider.example/collections/grus-1"}],
        "assets": {
            "tci": {"href": "https://provider.example/scene_PSM.tif", "type": "image/tiff"},
            "nir": {"href": "https://provider.example/scene_NIR.tif", "type": "image/tiff"},
            "delivery": {"href": "https://provider.example/scene.zip", "type": "application/zip", UNZIP: True},
        },
    }

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=FILES[request.url.path[1:]])

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        deliver("bay", [item], tmp_path, opener(client), title="Bay", description="", order_facts={})
    return tmp_path / "bay"


def test_a_folder_that_our_delivery_made_has_no_wrong_files(folder: Path) -> None:
    assert wrong_files(published(), folder) == []


def told(folder: Path, change: Callable[[dict[str, Any]], object], path: str = "scene/scene.json") -> None:
    """Change what the item says."""
    said = json.loads((folder / path).read_text())
    change(said)
    (folder / path).write_text(json.dumps(said))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "scene/scene_PSM.tif").write_bytes(PICTURE[:-1]), "missing: scene_PSM.tif"),
        (lambda folder: (folder / "scene/scene_PSM.tif").write_bytes(PICTURE[:-1] + b"?"), "not the provider's"),
        (lambda folder: (folder / "scene/scene_PSM.tif").unlink(), "missing: scene_PSM.tif"),
        (lambda folder: (folder / "scene/scene_PSM.tif").unlink(), "its asset tci is not in the folder"),
        (lambda folder: (folder / "scene/scene_PSM.tif.part").write_bytes(b"half"), "not the provider's"),
        (lambda folder: (folder / "scene/again.tif").write_bytes(PICTURE), "not the provider's: again.tif"),
        (lambda folder: (folder / "scene/again.tif").write_bytes(PICTURE), "in no item: scene/again.tif"),
        (lambda folder: (folder / "other.json").write_text('{"stac_version": "1.0.0"}'), "in no item: other.json"),
        (lambda folder: (folder / "catalog.json").unlink(), "catalog.json is missing"),
        (lambda folder: (folder / "catalog.json").write_text("{"), "not readable: catalog.json"),
        (lambda folder: (folder / "scene/scene.json").write_bytes(b"\xff\x00"), "not readable: scene/scene.json"),
        (lambda folder: (folder / "scene/scene.json").write_text("[]"), "not readable: scene/scene.json"),
        (lambda folder: (folder / "scene/scene.json").unlink(), "its link item leads to nothing"),
        (lambda folder: told(folder, lambda it: it["assets"].pop("tci")), "in no item: scene/scene_PSM.tif"),
        (lambda folder: told(folder, lambda it: it["assets"]["tci"].update({"file:size": 5})), "file:size 5"),
        (
            lambda folder: told(folder, lambda it: it["assets"]["tci"].update({"file:checksum": "1220ab"})),
            "does not have the file:checksum 1220ab",
        ),
        (
            lambda folder: told(folder, lambda it: it["assets"]["tci"].update(href="https://provider.example/a.tif")),
            "its asset tci is not in the folder",
        ),
        (
            lambda folder: told(folder, lambda it: it["links"].append({"rel": "via", "href": "../../other.json"})),
            "its link via leads to nothing",
        ),
        (
            lambda folder: told(folder, lambda it: it["links"].clear(), "catalog.json"),
            "in no item: scene/scene_PSM.tif",
        ),
    ],
)
def test_the_judge_sees_a_folder_that_is_not_as_published(
    folder: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(folder)
    assert any(said in one for one in wrong_files(published(), folder)), wrong_files(published(), folder)


def swap(assets: dict[str, Any]) -> None:
    """Each of two assets is said to be the other, with the other's size and checksum."""
    assets["tci"], assets["nir"] = assets["nir"], assets["tci"]


@pytest.mark.parametrize("spoil", [lambda item: swap(item["assets"]), lambda item: item.update(id="another")])
def test_the_judge_sees_files_that_are_mixed_up(folder: Path, spoil: Callable[[dict[str, Any]], object]) -> None:
    told(folder, spoil)
    assert any("scene_PSM.tif of scene is misplaced" in one for one in wrong_files(published(), folder))


def test_a_file_under_another_name_is_missing(folder: Path) -> None:
    (folder / "scene/scene_PSM.tif").rename(folder / "scene/scene_PAN.tif")
    told(folder, lambda it: it["assets"]["tci"].update(href="./scene_PAN.tif"))
    found = wrong_files(published(), folder)
    assert [one.split(",")[0] for one in found] == ["missing: scene_PSM.tif", "not the provider's: scene_PAN.tif"]


def test_what_was_published_is_missed_however_the_order_ended(folder: Path, tmp_path: Path) -> None:
    assert any("missing: late.tif" in one for one in wrong_files(published(**{"late.tif": b"late"}), folder))
    assert any("missing: scene.zip" in one for one in wrong_files(published(), tmp_path / "nothing"))
    assert wrong_files([], tmp_path / "nothing") == []
    assert any("not the provider's: scene.zip" in one for one in wrong_files([], folder))


def run(state: str, message: str | None = "", id: str = "r") -> dict[str, Any]:
    """A flow run as Prefect tells it."""
    return {"id": id, "state_type": state, "state_name": state.title(), "state": {"message": message}}


SECOND = run(
    "FAILED",
    "reference: bay: owned by flow run r (ended: Delivered 9 files): give this order a reference of its own, or look",
    "second",
)


@pytest.mark.parametrize(
    ("runs", "made", "standing", "files", "cancelled", "said"),
    [
        ([run("RUNNING")], 1, ["t1"], 0, False, "stands Running"),
        ([run("CRASHED")], 1, ["t1"], 0, False, "stands Crashed"),
        ([run("COMPLETED"), run("COMPLETED", id="s")], 1, ["t1"], 9, False, "2 runs"),
        ([run("COMPLETED"), run("CANCELLED", id="s")], 1, [], 9, True, "2 runs"),
        ([run("COMPLETED"), run("FAILED", "no pass", "s")], 1, ["t1"], 9, False, "s failed for another reason"),
        ([run("COMPLETED", id="other"), SECOND], 1, ["t1"], 9, False, "second failed for another reason"),
        ([SECOND], 1, ["t1"], 9, False, "owned by flow run r"),
        ([run("COMPLETED")], 0, [], 9, False, "made nothing"),
        ([run("COMPLETED")], 1, ["t1"], 0, False, "published nothing"),
        ([run("FAILED", "no pass")], 1, ["t1"], 0, False, "no pass"),
        ([run("FAILED", "no pass")], 0, [], 0, True, "no pass"),
        ([run("CANCELLED")], 0, [], 0, False, "nobody who cancelled it was told so"),
        ([run("CANCELLED", "request t1 stands")], 1, ["t1"], 0, True, "t1 stands at the provider"),
    ],
)
def test_the_judge_sees_an_order_that_is_lost(
    runs: list[dict[str, Any]], made: int, standing: list[str], files: int, cancelled: bool, said: str
) -> None:
    assert said in lost(runs, {"tasks": made}, standing, published=files, cancelled=cancelled)


@pytest.mark.parametrize(
    ("runs", "made", "standing", "files", "cancelled"),
    [
        ([run("COMPLETED"), SECOND], 1, ["t1"], 9, False),
        ([SECOND, run("COMPLETED")], 1, ["t1"], 9, True),
        ([run("CANCELLED", "before anything was ordered"), SECOND], 0, [], 0, True),
        ([run("CANCELLED", "at satellogic: request t1")], 1, [], 9, True),
    ],
)
def test_the_judge_takes_a_true_end(
    runs: list[dict[str, Any]], made: int, standing: list[str], files: int, cancelled: bool
) -> None:
    assert lost(runs, {"tasks": made}, standing, published=files, cancelled=cancelled) == ""


BEFORE = "Order bay was cancelled before anything was ordered"
AT = "Order bay was cancelled at iceye: request t1. a cancel costs nothing"
GOES_ON = "Order bay was not cancelled and goes on: task t1 is DONE"
ENDED, COMPLETED = run("CANCELLED"), run("COMPLETED")


@pytest.mark.parametrize(
    ("cancel", "end", "paid", "said"),
    [
        (run("CRASHED", "killed"), ENDED, {}, "the cancel run r stands Crashed: killed"),
        (run("RUNNING", None), ENDED, {}, "the cancel run r stands Running"),
        (run("COMPLETED", BEFORE), ENDED, {"t1": True}, "t1 was made"),
        (run("COMPLETED", BEFORE), COMPLETED, {}, "no run of the order ended as cancelled"),
        (run("COMPLETED", f"Order bay has already ended: {BEFORE}"), ENDED, {"t1": True}, "t1 was made"),
        (run("COMPLETED", AT), ENDED, {"t1": False}, "t1 stands at the provider"),
        (run("COMPLETED", AT), ENDED, {"t1": True, "t2": False}, "t2 stands at the provider"),
        (run("COMPLETED", AT), ENDED, {"t12": True}, "names no request that was made"),
        (run("COMPLETED", AT), COMPLETED, {"t1": True}, "no run of the order ended as cancelled"),
        (run("COMPLETED", "Order bay was ended on our side; the request stands."), ENDED, {}, "nobody asked for that"),
        (run("COMPLETED", "All is well"), ENDED, {}, "words that the judge does not know"),
        (run("COMPLETED", BEFORE.replace("bay", "bay-2")), ENDED, {}, "words that the judge does not know"),
    ],
)
def test_the_judge_sees_that_a_person_was_told_what_is_not_so(
    cancel: dict[str, Any], end: dict[str, Any], paid: dict[str, bool], said: str
) -> None:
    assert any(said in one for one in untrue("bay", "iceye", [cancel], [end], paid))


@pytest.mark.parametrize(
    ("cancel", "end", "paid"),
    [
        (run("COMPLETED", BEFORE), ENDED, {}),
        (run("COMPLETED", AT), ENDED, {"t1": True}),
        (run("FAILED", GOES_ON), COMPLETED, {"t1": False}),
        (run("COMPLETED", "Order bay has already ended: Delivered 9 files"), COMPLETED, {"t1": False}),
        (run("FAILED", "Flow run encountered an exception: LedgerUnavailable: locked"), COMPLETED, {"t1": False}),
    ],
)
def test_the_judge_takes_a_true_answer(cancel: dict[str, Any], end: dict[str, Any], paid: dict[str, bool]) -> None:
    assert untrue("bay", "iceye", [cancel], [end], paid) == []


@pytest.mark.parametrize(
    ("messages", "may_be"),
    [
        ([], False),
        ([GOES_ON], False),
        (["reference: bay: the ledger has no such order; the reference is on the page of the order's run"], False),
        ([GOES_ON, AT], True),
        ([BEFORE], True),
        (["Order bay has a request under kind whose outcome is not known yet. If it did not arrive"], True),
        (["Order bay: not known whether it was cancelled; run this again: no answer"], True),
        (["Flow run encountered an exception: LedgerUnavailable: locked"], True),
    ],
)
def test_only_who_was_not_told_that_the_order_goes_on_may_find_it_cancelled(messages: list[str], may_be: bool) -> None:
    assert may_be_cancelled("bay", [run("FAILED", message) for message in messages]) is may_be


def call(*ids: str, name: str = "bay", acted: bool = True, status: int | str | None = 201) -> dict[str, Any]:
    """A create as the simulator's journal has it."""
    body = {"type": "Feature", "properties": {"name": name}}
    return {"acted": acted, "status": status, "created_ids": list(ids), "body": body}


@pytest.mark.parametrize(
    ("calls", "there", "orders", "said"),
    [
        ([call("t1")], {"bay": ["t1", "t2"]}, 1, "bay: no call made t2"),
        ([call("t1"), call("t2")], {"bay": ["t1"]}, 1, "t2 was made by a call and is not there"),
        ([call("t1"), call("t2", status="reset")], {"bay": ["t1", "t2"]}, 1, "2 are there (2 creates acted), and 1"),
        ([call("t1")], {"bay": ["t1"]}, 0, "1 are there"),
        ([call("t1"), call()], {"bay": ["t1"]}, 1, "a create acted and made nothing"),
        ([call(name="isle", acted=False, status=None)], {"bay": ["t1"]}, 1, "no call made t1"),
        ([call(acted=False, status=400)], {"bay": ["t1"]}, 1, "no call made t1"),
    ],
)
def test_the_judge_counts_what_was_made_by_the_calls_that_made_it(
    calls: list[dict[str, Any]], there: dict[str, list[object]], orders: int, said: str
) -> None:
    assert any(said in one for one in uncounted(calls, there, orders))


def test_calls_that_the_provider_did_not_survive_may_have_made_something() -> None:
    calls = [call("299001"), call(name="isle", acted=False, status=None), call(acted=False, status="reset")]
    assert uncounted(calls, {"bay": [299001], "isle": [299002]}, 2) == []


def iceye(spent: int, held: int, *tasks: tuple[str, str, str]) -> dict[str, Any]:
    """What ICEYE holds, with one contract that pays: id, reference and status of its tasks, each for 100."""
    ids: dict[str, list[str]] = {}
    for id, reference, _ in tasks:
        ids.setdefault(reference, []).append(id)
    return {
        "tasks": [
            {"id": id, "status": status, "contract_id": "c1", "price": 100, "fee": 10} for id, _, status in tasks
        ],
        "tasks_by_reference": ids,
        "contracts": [{"id": "c1", "pricing": {"spent": 1000}}, {"id": "c2", "pricing": None}],
        "budgets": {"c1": {"consolidatedSpent": spent, "onHold": held}, "c2": None},
    }


def test_a_budget_pays_for_one_task_of_each_order() -> None:
    tasks = ("t1", "bay", "DONE"), ("t2", "isle", "CANCELED"), ("t3", "cape", "ACTIVE"), ("t4", "reef", "REJECTED")
    spending, known = KITS["iceye"].spending, ("bay", "isle", "cape", "reef", "none")
    assert spending(iceye(1110, 100, *tasks), known) == []
    assert spending(iceye(1110, 200, *tasks), known) == ["contract c1: 1310 spent or held, and its 4 orders cost 1210"]
    assert spending(iceye(1210, 100, *tasks, ("t5", "bay", "DONE")), known)
    assert spending(iceye(1210, 100, *tasks, ("t5", "stranger", "DONE")), known)


def test_axelglobe_takes_one_credit_of_each_order_that_made_a_request() -> None:
    spending = KITS["axelglobe"].spending
    summary = {"credits_total": 20, "credits_left": {"a": 8, "b": 10}, "requests_by_name": {"bay": ["1", "2"]}}
    assert spending(summary, ["bay", "isle"]) == ["2 credits spent by 1 orders that made a request"]
    assert spending({**summary, "credits_left": {"a": 9, "b": 10}}, ["bay", "isle"]) == []


def test_who_waits_for_nothing_is_found_when_seen_twice_far_apart_and_never_awake_in_between() -> None:
    now = [0.0]
    stuck = StuckRuns(lambda: now[0])
    for seconds, asleep in ((0, ["bay", "isle"]), (30, ["bay"]), (60, ["bay", "isle"]), (LEAST_SECONDS, ["isle"])):
        now[0] = seconds
        stuck.look("ledger", asleep)
    assert stuck.found == set()
    now[0] = 60 + LEAST_SECONDS
    stuck.look("Prefect", ["run r"])
    assert stuck.found == set()
    stuck.look("ledger", ["isle"])
    assert stuck.found == {"isle"}


def test_a_parked_run_without_a_time_is_asleep() -> None:
    parked = {**run("SCHEDULED", id="parked"), "next_scheduled_start_time": "2026-12-01T00:00:00Z"}
    lost_run = {**run("SCHEDULED", id="lost"), "next_scheduled_start_time": None}
    running = {**run("RUNNING", id="running"), "next_scheduled_start_time": None}
    assert runs_asleep([parked, lost_run, running]) == ["run lost"]


def outcome(*hits: Fault, **more: Any) -> Outcome:
    """An outcome of one order of the same reference."""
    verdict = Verdict(subject=TestOrder(reference="random-1", provider="iceye"))
    return Outcome(verdicts=[verdict], faults={"random-1": list(hits)}, **more)


def test_orders_of_the_same_reference_in_several_outcomes_are_counted_apart() -> None:
    fault = Fault(at=FailPoint(kind="ledger", what="claimed"), kind="locked")
    told = table([outcome(fault), outcome(fault, fault, fault)])
    assert "| iceye | 2 | 4 | 0 | 0 | 0 | 0 |" in told
    assert "| locked |  |  | 4 |  |" in told
    assert "1 of them were struck at least 3 times" in told


@pytest.mark.parametrize("field", ["asleep", "unfinished", "strangers", "spending"])
def test_whatever_is_not_as_it_should_be_is_a_problem(field: str) -> None:
    assert problems([outcome()]) == []
    assert any("bay" in one for one in problems([outcome(**{field: ["bay: odd"]})]))


@pytest.mark.parametrize("wrong", [{"duplicates": 1}, {"lost": "gone"}, {"untrue": ["told"]}, {"wrong_files": ["a"]}])
def test_a_verdict_that_is_not_fine_is_a_problem(wrong: dict[str, Any]) -> None:
    verdict = Verdict(subject=TestOrder(reference="bay", provider="iceye"), **wrong)
    assert len(problems([Outcome(verdicts=[verdict])])) == 1


def test_an_outcome_that_was_kept_before_is_still_read() -> None:
    fault = {"at": {"kind": "disk", "what": "write *.tif"}, "way": "disk full"}
    subject = {"reference": "bay", "provider": "iceye", "plan": {"strikes": [fault]}}
    kept = {"verdicts": [{"subject": subject}], "strikes": {"bay": [fault]}, "unrest": {"killed": 1}, "seconds": 9}
    read = Outcome.model_validate_json(json.dumps(kept))
    assert problems([read]) == []
    assert read.disturbances == {"killed": 1}
    assert read.faults["bay"] == list(read.verdicts[0].subject.plan.faults)
    assert [one.kind for one in read.faults["bay"]] == ["disk full"]

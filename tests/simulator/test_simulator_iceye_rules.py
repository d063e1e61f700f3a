"""What the simulated ICEYE accepts, refuses and charges."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tasking.simulator import Simulator, serve
from tests.support.simulator_story_iceye import HELSINKI, START, Caller, iceye_story

PRICE = 125_000  # a strip, COMMERCIAL, SLA_8H, PRIVATE, STANDARD


@pytest.fixture(scope="module")
def told() -> Any:
    with iceye_story() as pair:
        yield pair


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "colour"),
        ({"imagingDuration": 10}, "imagingDuration"),
        ({"acquisitionWindow": None}, "acquisitionWindow"),
        ({"contractID": "mine"}, "contractID"),
        ({"pointOfInterest": {"lat": 91, "lon": 0}}, "lat"),
        ({"pointOfInterest": {"lat": 1}}, "lon"),
        ({"pointOfInterest": {"lat": True, "lon": 0}}, "lat"),
        ({"imagingMode": "SPOTLIGHT_PRECISE_1L"}, "STRIPMAP, SPOTLIGHT"),
        ({"sla": "SLA_3H"}, "SLA_8H, SLA_12H"),
        ({"priority": "URGENT"}, "BACKGROUND, COMMERCIAL"),
        ({"incidenceAngle": {"min": 20, "max": 60}}, "incidenceAngle.max"),
        ({"incidenceAngle": {"min": 20.5, "max": 30}}, "incidenceAngle.min"),
        ({"incidenceAngle": {"min": 20}}, "max"),
        ({"incidenceAngle": {"min": 30, "max": 20}}, "min is above max"),
        ({"lookSide": "BOTH"}, "LEFT, RIGHT, ANY"),
        ({"productTypes": ["JPEG"]}, "productTypes"),
        ({"productTypes": ["SLC"], "imagingMode": "SCAN"}, "SCAN does not give SLC"),
        ({"productTypes": ["VID"]}, "does not give VID"),
        ({"reference": "x" * 257}, "256"),
        ({"sla": None, "eula": 5}, "eula"),
        ({"notifications": {"webhook": {"id": "x"}}}, "webhook"),
        ({"deliveries": [{"locations": [{"path": "a"}]}]}, "configID"),
        ({"lead_hours": -1}, "at least 12 hours"),
        ({"lead_hours": 11}, "at least 12 hours"),
        ({"lead_hours": 13, "priority": "BACKGROUND"}, "at least 24 hours"),
        ({"hours": 2}, "24 hours wide"),
        ({"hours": 14 * 24}, "14 days"),
        ({"acquisitionWindow": {"start": "2026-12-02", "end": "2026-12-04"}}, "RFC 3339"),
        ({"acquisitionWindow": {"start": "2026-12-04T00:00:00Z", "end": "2026-12-02T00:00:00Z"}}, "after start"),
    ],
    ids=str,
)
def test_a_wrong_task_is_refused_with_its_reason_and_holds_no_money(
    told: tuple[Simulator, Caller], changes: dict[str, Any], said: str
) -> None:
    _, caller = told
    answer = caller.post(**changes)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert caller.call("POST", "/tasking/v2/feasibility", [caller.wish(**changes)]).status_code == 400
    assert caller.budget()["onHold"] == 0


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[1]", b'{"pointOfInterest": NaN}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_task_is_refused(told: tuple[Simulator, Caller], content: bytes) -> None:
    simulator, caller = told
    for path in ("tasks", "feasibility"):
        url = f"{simulator.iceye.api_url}/tasking/v2/{path}"
        answer = caller.http.post(url, content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, set(answer.json())) == (400, {"code", "message"})


def test_the_rules_that_documents_contradict_are_switches() -> None:
    open_rules = {"window_min_hours": 0, "lead_hours_commercial": 0, "imaging_duration_allowed": True}
    with iceye_story(iceye=open_rules) as (simulator, caller):
        assert caller.post(hours=2, lead_hours=1).status_code == 201
        longer = caller.wish(imagingDuration=20)
        task_id = caller.call("POST", "/tasking/v2/tasks", longer, check=False).json()["id"]
        assert caller.task(task_id)["imagingDuration"] == 20
        simulator.iceye.switch(incidence_default="mode", eula_when_unset="omitted", incidence_as_text=False)
        shown = caller.call("POST", "/tasking/v2/tasks", caller.wish(), check=False).json()
        assert shown["incidenceAngle"] == {"min": 15, "max": 35}
        assert "eula" not in shown
        simulator.advance(1201)
        path = f"/tasking/v2/tasks/{task_id}/scene"
        assert isinstance(caller.call("GET", path, check=False).json()["incidenceAngle"], float)


def test_what_is_not_sent_is_taken_from_the_contract() -> None:
    with iceye_story() as (simulator, caller):
        contract_id = simulator.iceye.contract_id(priced=False)
        shown = caller.task(caller.create(contractID=contract_id, imagingMode="SCAN", reference=None))
        assert (shown["sla"], shown["priority"], shown["exclusivity"]) == ("SLA_24H", "COMMERCIAL", "PRIVATE")
        assert (shown["lookSide"], shown["passDirection"]) == ("ANY", "ANY")
        assert shown["incidenceAngle"] == {"min": 10, "max": 45}
        assert "reference" not in shown
        location = {"configID": str(uuid4()), "path": "bucket", "subPath": "today"}
        shown = caller.task(caller.create(deliveries=[{"locations": [location]}]))
        assert shown["deliveries"][0]["locations"] == [location]
        assert shown["deliveries"][0]["status"] == "pending"


def test_two_equal_creates_are_two_tasks_and_two_holds() -> None:
    with iceye_story() as (simulator, caller):
        wish = caller.wish()
        first, second = (caller.post(wish).json()["id"] for _ in range(2))
        assert first != second
        assert simulator.iceye.summary()["tasks_by_reference"] == {"bay": [first, second]}
        assert caller.budget()["onHold"] == 2 * PRICE


def test_the_price_said_is_the_price_held_and_then_charged() -> None:
    with iceye_story() as (simulator, caller):
        asked = {"exclusivity": "PRIVATE", "priority": "COMMERCIAL", "sla": "SLA_8H", "eula": "STANDARD"}
        point = {"pointOfInterest[lat]": str(HELSINKI["lat"]), "pointOfInterest[lon]": str(HELSINKI["lon"])}
        query = {"contractID": simulator.iceye.contract_id(), "imagingMode": "STRIPMAP", **point, **asked}
        assert caller.get("/tasking/v2/price", **query) == {"amount": PRICE, "currency": "USD"}
        task_id = caller.create()
        assert (caller.budget()["onHold"], caller.budget()["consolidatedSpent"]) == (PRICE, 0)
        caller.until(task_id, "FULFILLED")
        assert (caller.budget()["onHold"], caller.budget()["consolidatedSpent"]) == (0, PRICE)
        for name in query:
            left = {key: value for key, value in query.items() if key != name}
            assert caller.call("GET", "/tasking/v2/price", query=left).status_code == 400, name
        unpriced = {**query, "contractID": simulator.iceye.contract_id(priced=False), "sla": "SLA_24H"}
        refused = caller.call("GET", "/tasking/v2/price", query=unpriced)
        assert (refused.status_code, "no Pricing Plan" in refused.text) == (404, True)
        summary = f"/company/v1/contracts/{unpriced['contractID']}/summary"
        assert caller.call("GET", summary).status_code == 404


def test_a_spent_budget_refuses_the_task_and_is_infeasible() -> None:
    with iceye_story() as (simulator, caller):
        contract_id = simulator.iceye.contract_id()
        with httpx.Client(base_url=simulator.url, verify=False) as http:
            path = f"/_sim/iceye/contracts/{contract_id}"
            assert http.patch(path, json={"spend_limit": 2 * PRICE - 1, "spent": 0}).status_code == 200
            assert http.patch(path, json={"colour": "red"}).status_code == 400
        caller.create()
        assert caller.feasible(caller.wish()) == ["INFEASIBLE"]
        refused = caller.post()
        assert (refused.status_code, refused.json()["code"]) == (403, "ERR_INSUFFICIENT_FUNDS")
        assert len(simulator.iceye.tasks()) == 1
        simulator.iceye.contracts.change(contract_id, {"spend_limit": None})
        assert caller.post().status_code == 201
        assert "spendLimit" not in caller.budget()


def test_racing_creates_never_spend_more_than_the_budget() -> None:
    with iceye_story() as (simulator, caller):
        simulator.iceye.contracts.change(simulator.iceye.contract_id(), {"spend_limit": 3 * PRICE})
        wish = caller.wish()
        with ThreadPoolExecutor(8) as many:
            answers = list(many.map(lambda _: caller.post(wish).status_code, range(8)))
        assert sorted(answers) == [201] * 3 + [403] * 5


@pytest.mark.parametrize(("hours", "percent"), [(73, 0), (71, 10), (47, 20), (23, 100)])
def test_cancelling_costs_by_the_time_to_the_window(hours: float, percent: int) -> None:
    with iceye_story() as (simulator, caller):
        task_id = caller.create(lead_hours=100)
        simulator.advance((100 - hours) * 3600)
        caller.renew()
        shown = caller.cancel(task_id).json()
        assert shown["status"] == "CANCELED"
        assert caller.status(task_id) == "CANCELED"
        assert (caller.budget()["onHold"], caller.budget()["consolidatedSpent"]) == (0, PRICE * percent // 100)
        assert caller.scene(task_id).status_code == 404
        again = caller.cancel(task_id)
        assert (again.status_code, "CANCELED" in again.json()["message"]) == (400, True)
        assert caller.budget()["consolidatedSpent"] == PRICE * percent // 100


def test_a_task_ordered_late_cannot_be_cancelled_unless_the_switch_says_so() -> None:
    with iceye_story() as (simulator, caller):
        task_id = caller.create(lead_hours=13)
        assert caller.cancel(task_id).status_code == 400
        assert caller.status(task_id) == "RECEIVED"
        simulator.iceye.switch(late_cancel="charge")
        assert caller.cancel(task_id).status_code == 200
        assert caller.budget()["consolidatedSpent"] == PRICE


def test_what_is_imaged_cannot_be_cancelled_and_nothing_else_can_be_patched() -> None:
    with iceye_story(iceye={"late_cancel": "charge"}) as (simulator, caller):
        task_id = caller.create()
        bodies: list[Any] = [{"status": "DONE"}, {}, {"status": "CANCELED", "reference": "x"}, []]
        for body in bodies:
            assert caller.call("PATCH", f"/tasking/v2/tasks/{task_id}", body).status_code == 400
        simulator.clock.move(now=simulator.iceye.tasks()[0]["capture"]["start"] + 1)
        caller.renew()
        assert caller.status(task_id) == "ACTIVE"
        assert "imaging has begun" in caller.cancel(task_id).json()["message"]


@pytest.mark.parametrize("last", ["absent", "empty"])
def test_tasks_are_listed_by_cursor_contract_and_time(last: str) -> None:
    with iceye_story(iceye={"last_cursor": last}) as (simulator, caller):
        made = []
        for _ in range(5):
            made.append(caller.create())
            simulator.advance(60)
        seen: list[str] = []
        query = {"limit": "2"}
        for _ in range(3):
            page = caller.get("/tasking/v2/tasks", **query)
            seen += [task["id"] for task in page["data"]]
            query = {"limit": "2", "cursor": page.get("cursor", "")}
        assert seen == made[::-1]
        assert page.get("cursor") == (None if last == "absent" else "")
        middle = (START + timedelta(seconds=90)).isoformat()
        later = caller.get("/tasking/v2/tasks", createdAfter=middle)["data"]
        earlier = caller.get("/tasking/v2/tasks", createdBefore=middle)["data"]
        assert ([task["id"] for task in later], [task["id"] for task in earlier]) == (made[:1:-1], made[1::-1])
        other = simulator.iceye.contract_id(priced=False)
        assert caller.get("/tasking/v2/tasks", contractID=other)["data"] == []
        for wrong in ({"limit": "0"}, {"limit": "x"}, {"cursor": "x"}, {"createdAfter": "soon"}, {"contractID": "1"}):
            assert caller.call("GET", "/tasking/v2/tasks", query=wrong).status_code == 400, wrong
        assert caller.call("GET", "/tasking/v2/tasks", query={"status": "DONE"}).status_code == 400


def test_a_new_task_shows_in_lists_late_by_switch_and_at_once_by_id() -> None:
    with iceye_story(switches={"list_lag_seconds": 60}) as (simulator, caller):
        task_id = caller.create()
        assert caller.status(task_id) == "RECEIVED"
        assert caller.get("/tasking/v2/tasks")["data"] == []
        simulator.advance(61)
        assert [task["id"] for task in caller.get("/tasking/v2/tasks")["data"]] == [task_id]


def test_an_account_sees_only_what_is_its_own() -> None:
    with iceye_story() as (simulator, caller), Caller(simulator, ("second-client", "second-secret")) as other:
        task_id = caller.create()
        for path in (f"/tasking/v2/tasks/{task_id}", f"/tasking/v2/tasks/{task_id}/scene"):
            assert other.call("GET", path).status_code == 404
        assert other.cancel(task_id).status_code == 404
        foreign = other.post(contractID=simulator.iceye.contract_id())
        assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
        ids = [{one["id"] for one in each.get("/company/v1/contracts")["data"]} for each in (caller, other)]
        assert not ids[0] & ids[1]
        assert [len(own) for own in ids] == [2, 2]


def test_a_contract_is_added_and_its_choices_count_at_once() -> None:
    with iceye_story() as (simulator, caller), httpx.Client(base_url=simulator.url, verify=False) as http:
        offer = {"allowed": ["SPOT"], "default": "SPOT"}
        added = http.post("/_sim/iceye/contracts", json={"name": "Small", "imagingModes": offer, "pricing": {}}).json()
        shown = caller.get(f"/company/v1/contracts/{added['id']}")
        assert shown["imagingModes"] == offer
        assert "pricing" not in shown
        assert caller.post(contractID=added["id"]).status_code == 400
        caller.create(contractID=added["id"], imagingMode="SPOT")
        path = f"/_sim/iceye/contracts/{added['id']}"
        http.patch(path, json={"end": "2026-12-02T00:00:00Z"}).raise_for_status()
        late = caller.post(contractID=added["id"], imagingMode="SPOT")
        assert late.json()["code"] == "OUT_OF_BOUND_CONTRACT"


def test_tokens_need_basic_credentials_and_a_form_and_live_an_hour() -> None:
    with iceye_story() as (simulator, caller):
        given = caller.token().json()
        assert (given["expires_in"], given["token_type"]) == (3600, "bearer")
        assert caller.token(auth=("demo-client", "wrong")).status_code == 401
        assert caller.token(grant_type="password").status_code == 400
        url = f"{simulator.iceye.auth_url}/v1/token"
        as_json = caller.plain.post(url, auth=caller.client, json={"grant_type": "client_credentials"})
        assert as_json.status_code == 400
        form = {"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}
        assert caller.plain.post(url, data=form).status_code == 401
        simulator.advance(3599)
        caller.get("/company/v1/contracts")
        simulator.advance(2)
        assert caller.call("GET", "/tasking/v2/tasks").status_code == 401
        caller.renew()
        with httpx.Client(base_url=simulator.url, verify=False) as http:
            assert http.delete("/_sim/iceye/tokens").json() == {"tokens_revoked": 1}
        assert caller.call("GET", "/tasking/v2/tasks").status_code == 401
        assert "demo-secret" not in json.dumps(simulator.journal())


def test_the_rate_limit_holds_here_too() -> None:
    with iceye_story(switches={"rate_limit_per_minute": 2}) as (_, caller):
        answers = [caller.call("GET", "/tasking/v2/tasks") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[2].headers["retry-after"]) >= 1


def test_own_switches_are_set_at_the_start_and_over_http_and_checked() -> None:
    with serve(start=START, switches={"iceye.url_life_seconds": 60, "list_lag_seconds": 9}) as simulator:
        with httpx.Client(base_url=simulator.url, verify=False) as http:
            assert http.get("/_sim/iceye/switches").json()["url_life_seconds"] == 60
            assert http.patch("/_sim/iceye/switches", json={"error_form": "plain"}).status_code == 200
            assert http.patch("/_sim/iceye/switches", json={"error_form": "song"}).status_code == 400
        assert simulator.iceye.switches.now.error_form == "plain"
    with pytest.raises(ValueError, match="nonsense"), serve(start=START, switches={"iceye.nonsense": 1}):
        pass

"""A full order at each provider, call by call, as the simulator answers it: what hostile answers are made from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from tasking.axelglobe.order import AxelGlobeOrder
from tasking.axelglobe.provider import AxelGlobe
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.candidate import Candidate
from tasking.iceye.order import IceyeOrder
from tasking.iceye.provider import Iceye
from tasking.iceye.settings import IceyeSettings
from tasking.order import Order
from tasking.provider import Provider
from tasking.satellogic.client import task_payload
from tasking.satellogic.order import SatellogicOrder
from tasking.satellogic.provider import Satellogic
from tasking.satellogic.settings import SatellogicSettings
from tasking.simulator import Simulator, serve
from tests.support.hostile import HTTP, Recorder, Said, Step
from tests.support.hostile_values import BASE

START = datetime(2026, 12, 1, tzinfo=UTC)
LABEL, SECRET = "bay", "s3cret-of-the-test"
NARROW = "POLYGON ((139.7 35.5, 139.9 35.5, 139.9 35.7, 139.7 35.7, 139.7 35.5))"
TOKENS = {
    "axelglobe": "/oauth/token",
    "iceye": "/iceye/auth/v1/token",
    "satellogic": "/satellogic/oauth/token",
}
LASTING = {f"{name}.token_life_seconds": 86400 * 90 for name in TOKENS}
Open = Callable[[httpx.BaseTransport], Any]


@dataclass(frozen=True)
class Story:
    """One provider's order.

    Attributes:
        open: Opens the provider, which is at `hostile.BASE`, over a transport.
        order: What was ordered.
        token: The answer of its token endpoint.
        steps: Every verb of the provider and every call of its client, with the honest answers.
    """

    open: Open
    order: Order
    token: Said
    steps: tuple[Step, ...]


def _account(simulator: Simulator | None, name: str) -> dict[str, Any]:
    url = BASE if simulator is None else simulator.url
    client_id, secret = ("demo-client", SECRET) if simulator is None else simulator.credentials
    said: dict[str, Any] = {"client_id": client_id, "client_secret": SecretStr(secret), "http": HTTP}
    if name == "iceye":
        return {**said, "api_url": f"{url}/iceye/api", "auth_url": f"{url}/iceye/auth"}
    if name == "satellogic":
        return {**said, "api_url": f"{url}/satellogic/", "token_url": url + TOKENS[name]}
    return {**said, "api_url": f"{url}/wfs/tasking/v2/", "token_url": url + TOKENS[name]}


class _Recording:
    """Makes calls one by one and keeps what was answered."""

    def __init__(self, simulator: Simulator, kind: Callable[..., Any], settings: Any) -> None:
        self.recorder = Recorder(simulator.url)
        self.provider = kind(settings, transport=self.recorder)
        self.steps: list[Step] = []

    def step(self, name: str, call: Callable[[Any], Any]) -> Any:
        before = len(self.recorder.heard)
        found = call(self.provider)
        heard = tuple(_short(each) for each in self.recorder.heard[before:] if each.path not in TOKENS.values())
        self.steps.append(Step(name, call, heard))
        return found

    def told(self, name: str) -> tuple[Said, tuple[Step, ...]]:
        self.provider.close()
        token = next(each for each in self.recorder.heard if each.path == TOKENS[name])
        return token, tuple(self.steps)


def _short(said: Said) -> Said:
    """An answer with a few features of a long list, and the begin of a file: what is changed in it is drawn evenly."""
    if b'"features"' not in said.body:
        return said if said.body.startswith((b"{", b"[")) else replace(said, body=said.body[:1000])
    value = json.loads(said.body)
    few = value["features"][:3]
    counts = {name: len(few) for name in ("numberMatched", "numberReturned") if name in value}
    return said.with_body({**value, **counts, "features": few})


def _opened(item: Any, key: str) -> Callable[[Provider], int]:
    def call(provider: Provider) -> int:
        with provider.open_asset(item, key) as response:
            return sum(len(each) for each in response.iter_raw())

    return call


def axelglobe() -> Story:
    """From plan to file at AxelGlobe."""
    with serve(seed=7, start=START, switches=LASTING) as simulator:
        window = {"start": START + timedelta(days=1), "end": START + timedelta(days=8)}
        order = AxelGlobeOrder.model_validate({"name": "Bay", "area": NARROW, "window": window})
        told = _Recording(simulator, AxelGlobe, AxelGlobeSettings(**_account(simulator, "axelglobe")))
        told.step("learn_time", lambda it: it.learn_time())
        made = told.step("plan", lambda it: it.plan(order, LABEL))
        simulator.advance(1300)
        told.step("find_plan", lambda it: it.find_plan(order, LABEL))
        told.step("read_plan", lambda it: it.read_plan(made.id))
        told.step("read_plans", lambda it: it.read_plans([made.id]))
        chosen = told.step("candidates", lambda it: it.candidates(made.id))[-1]
        told.step("client.candidate", lambda it: it.client.candidate(chosen.id))
        request = told.step("request", lambda it: it.request(order, made.id, chosen, LABEL))
        simulator.advance(5)
        others = [told.provider.request(order, made.id, chosen, f"{LABEL}#{n}").id for n in (2, 3)]
        told.step("find_request", lambda it: it.find_request(order, made.id, LABEL))
        simulator.advance((chosen.end - simulator.clock.now()).total_seconds() + 3 * 86400)
        done = told.step("read", lambda it: it.read([request.id], {request.id: chosen}))[request.id]
        told.step("read many", lambda it: it.read([request.id, *others]))
        (item,) = told.step("products", lambda it: it.products(done))
        told.step("open_asset", _opened(item, "thumbnail"))
        told.step("statements", lambda it: it.statements())
        told.step("client.landing", lambda it: it.client.landing())
        told.step("client.touch", lambda it: it.client.touch())
        told.step("client.conformance", lambda it: it.client.conformance())
        told.step("client.collections", lambda it: it.client.collections())
        told.step("client.collection", lambda it: it.client.collection("plans"))
        told.step("client.satellites", lambda it: list(it.client.satellites()))
        told.step("client.satellite", lambda it: it.client.satellite("GRUS-1A"))
        track = told.step("client.ground_tracks", lambda it: list(it.client.ground_tracks("GRUS-1A")))[0]
        told.step("client.ground_track", lambda it: it.client.ground_track(track.id))
        told.step("client.plans", lambda it: list(it.client.plans()))
        told.step("client.plan", lambda it: it.client.plan(made.id))
        told.step("client.requests", lambda it: list(it.client.requests(priority="NORMAL")))
        told.step("client.plan_pages", lambda it: list(it.client.plan_pages()))
        told.step("client.request_pages", lambda it: list(it.client.request_pages()))
        told.step("client.request", lambda it: it.client.request(request.id))
        settings = AxelGlobeSettings(**_account(None, "axelglobe"))
        return Story(lambda over: AxelGlobe(settings, transport=over), order, *told.told("axelglobe"))


def iceye() -> Story:
    """From quote to files at ICEYE, and a cancel."""
    with serve(seed=7, start=START, switches=LASTING) as simulator:
        window = {"start": START + timedelta(days=2), "end": START + timedelta(days=5)}
        order = IceyeOrder.model_validate({"name": "Bay", "point": [24.94, 60.17], "window": window})
        contract = simulator.iceye.contract_id(priced=True)
        account: dict[str, Any] = {"contract_id": contract}
        told = _Recording(simulator, Iceye, IceyeSettings(**_account(simulator, "iceye"), **account))
        told.step("learn_time", lambda it: it.learn_time())
        quote = told.step("quote", lambda it: it.quote(order))
        whole = Candidate(id="any", start=START, end=START, quoted=quote.quoted)
        request = told.step("request", lambda it: it.request(order, None, whole, LABEL))
        others = [told.provider.request(order, None, whole, f"{LABEL}#{n}").id for n in (2, 3, 4)]
        told.step("find_request", lambda it: it.find_request(order, None, LABEL))
        simulator.advance(1800)
        told.step("cancel_terms", lambda it: it.cancel_terms(others[2]))
        told.step("cancel", lambda it: it.cancel(others[2]))
        for _ in range(60):
            simulator.advance(6 * 3600)
            done = told.provider.read([request.id])[request.id]
            if done.provider_status == "DONE":
                break
        told.step("read", lambda it: it.read([request.id]))
        told.step("read many", lambda it: it.read([request.id, *others[:2]]))
        items = told.step("products", lambda it: it.products(done))
        told.step("open_asset", _opened(items[0], next(iter(items[0]["assets"]))))
        simulator.advance(7200)  # its address has expired, and is asked for anew
        told.step("open_asset again", _opened(items[0], next(iter(items[0]["assets"]))))
        told.step("client.touch", lambda it: it.client.touch())
        told.step("contracts", lambda it: it.contracts())
        told.step("statements", lambda it: it.statements())
        told.step("client.contracts", lambda it: list(it.client.contracts()))
        told.step("webhooks", lambda it: it.webhooks())
        told.step("client.webhooks", lambda it: it.client.webhooks())
        told.step("register_webhook", lambda it: it.register_webhook("http://127.0.0.1:9/iceye"))
        told.step("client.contract", lambda it: it.client.contract(contract))
        told.step("client.summary", lambda it: it.client.summary(contract))
        terms = {"exclusivity": "PRIVATE", "priority": "COMMERCIAL", "sla": "SLA_8H", "eula": "STANDARD"}
        with_mode = told.provider.client.contract(contract).imaging_modes.allowed[0]
        told.step("client.price", lambda it: it.client.price(contract, with_mode, 60.17, 24.94, **terms))
        told.step("client.tasks", lambda it: list(it.client.tasks()))
        told.step("client.task", lambda it: it.client.task(request.id))
        told.step("client.scene", lambda it: it.client.scene(request.id))
        told.step("client.products", lambda it: it.client.products(request.id, "GRD"))
        settings = IceyeSettings(**_account(None, "iceye"), **account)
        return Story(lambda over: Iceye(settings, transport=over), order, *told.told("iceye"))


def satellogic(products_from: str = "delivery") -> Story:
    """From analysis to files at Satellogic, and a cancel."""
    with serve(seed=7, start=START, switches=LASTING) as simulator:
        window = {"start": START, "end": START + timedelta(days=5)}
        order = SatellogicOrder.model_validate({"name": "Bay", "point": [139.7, 35.6], "window": window})
        account: dict[str, Any] = {
            "contract_id": simulator.satellogic.contracts()[0]["contract_id"],
            "products_from": products_from,
        }
        told = _Recording(simulator, Satellogic, SatellogicSettings(**_account(simulator, "satellogic"), **account))
        told.step("learn_time", lambda it: it.learn_time())
        told.step("find_plan", lambda it: it.find_plan(order, LABEL))
        made = told.step("plan", lambda it: it.plan(order, LABEL))
        simulator.advance(61)
        told.step("read_plan", lambda it: it.read_plan(made.id))
        told.step("read_plans", lambda it: it.read_plans([made.id]))
        found = told.step("candidates", lambda it: it.candidates(made.id))
        chosen = next(each for each in found if each.start > simulator.clock.now() + timedelta(hours=36))
        request = told.step("request", lambda it: it.request(order, made.id, chosen, LABEL))
        others = [told.provider.request(order, made.id, chosen, f"{LABEL}#{n}").id for n in (2, 3, 4)]
        told.step("find_request", lambda it: it.find_request(order, made.id, LABEL))
        told.step("cancel_terms", lambda it: it.cancel_terms(others[2]))
        told.step("cancel", lambda it: it.cancel(others[2]))
        simulator.advance((chosen.end - simulator.clock.now()).total_seconds() + 2 * 86400)
        done = told.step("read", lambda it: it.read([request.id], {request.id: chosen}))[request.id]
        told.step("read many", lambda it: it.read([request.id, *others[:2]]))
        item = told.step("products", lambda it: it.products(done))[0]
        told.step("open_asset", _opened(item, next(iter(item["assets"]))))
        told.step("contracts", lambda it: it.contracts())
        told.step("statements", lambda it: it.statements())
        told.step("client.touch", lambda it: it.client.touch())
        told.step("client.contracts", lambda it: it.client.contracts())
        told.step("client.products", lambda it: it.client.products())
        told.step("client.tasks", lambda it: list(it.client.tasks()))
        told.step("client.task_pages", lambda it: list(it.client.task_pages()))
        told.step("client.task", lambda it: it.client.task(request.id))
        told.step("client.captures", lambda it: it.client.captures(request.id))
        told.step("client.scenes", lambda it: it.client.scenes(done.capture_ids[0]))
        asked = task_payload(LABEL, "p", 169, order.target, order.window.start, order.window.end)
        started = told.step("client.start_analysis", lambda it: it.client.start_analysis("can-add", asked))
        simulator.advance(61)
        told.step("client.analysis", lambda it: it.client.analysis("can-add", started.id))
        settings = SatellogicSettings(**_account(None, "satellogic"), **account)
        return Story(lambda over: Satellogic(settings, transport=over), order, *told.told("satellogic"))


STORIES: dict[str, Callable[[], Story]] = {
    "axelglobe": axelglobe,
    "iceye": iceye,
    "satellogic": satellogic,
    "satellogic-archive": lambda: satellogic("archive"),
}


@contextmanager
def replayed(story: Story, over: httpx.BaseTransport) -> Iterator[Any]:
    """The story's provider over a transport."""
    provider = story.open(over)
    try:
        yield provider
    finally:
        provider.close()

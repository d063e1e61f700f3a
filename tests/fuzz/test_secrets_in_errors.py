"""What a client's errors say when a server answers with everything it was sent: no secret, wherever one looks."""

from __future__ import annotations

import html
import json
import pickle
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tasking.axelglobe.client import AxelGlobeClient
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.errors import TaskingError
from tasking.http.api import Call
from tasking.http.settings import HttpSettings
from tasking.iceye.client import IceyeClient
from tasking.iceye.settings import IceyeSettings
from tasking.satellogic.client import SatellogicClient
from tasking.satellogic.settings import SatellogicSettings
from tests.support.secrets_search import MARK, Search, marked

TOKEN = f"opaque-{marked('Token', 'Any')}"
SIGNED = f"https://files.example.com/a.tif?X-Amz-Credential={MARK}Key&X-Amz-Signature={MARK}Signature"
QUICK = HttpSettings(attempts=1, wait_initial_seconds=0, wait_jitter_seconds=0, requests_per_second=10_000)
START = datetime(2027, 1, 4, tzinfo=UTC)
END = START + timedelta(days=7)
POINT = {"type": "Point", "coordinates": [139.8, 35.6]}


def account(provider: str) -> dict[str, Any]:
    return {
        "client_id": f"{MARK}Id",
        "client_secret": marked("Secret", provider),
        "http": QUICK,
        "api_url": f"https://api.{provider}.example.com/",
    }


def axelglobe(transport: httpx.BaseTransport) -> AxelGlobeClient:
    settings = AxelGlobeSettings(token_url="https://auth.example.com/oauth/token", **account("axelglobe"))
    return AxelGlobeClient(settings, transport=transport)


def iceye(transport: httpx.BaseTransport) -> IceyeClient:
    return IceyeClient(IceyeSettings(auth_url="https://auth.example.com", **account("iceye")), transport=transport)


def satellogic(transport: httpx.BaseTransport) -> SatellogicClient:
    settings = SatellogicSettings(
        token_url="https://auth.example.com/oauth/token", contract_id="cont.1", **account("satellogic")
    )
    return SatellogicClient(settings, transport=transport)


OPENED: dict[str, Callable[[httpx.BaseTransport], Any]] = {
    "axelglobe": axelglobe,
    "iceye": iceye,
    "satellogic": satellogic,
}
CALLS: dict[str, tuple[Callable[[Any], object], ...]] = {
    "axelglobe": (
        lambda client: client.create_plan("bay", POINT, START, END),
        lambda client: client.create_request("bay", "candidate-1"),
        lambda client: list(client.plans(filter="name = 'bay'")),
        lambda client: client.request("request-1"),
    ),
    "iceye": (
        lambda client: client.create_task({"reference": "bay"}),
        lambda client: client.feasibility([{"reference": "bay"}]),
        lambda client: list(client.tasks()),
        lambda client: client.products("task-1"),
    ),
    "satellogic": (
        lambda client: client.create_task({"task_name": "bay"}),
        lambda client: client.start_analysis("can-add", {"task_name": "bay"}),
        lambda client: list(client.tasks(task_name="bay")),
        lambda client: client.scenes("capture-1"),
    ),
}


def download(client: Any) -> None:
    """Open a signed address."""
    with client.api.stream(SIGNED, Call("download", provider_id="item/asset")) as response:
        response.read()


def heard(request: httpx.Request) -> list[str]:
    """What a careless server may repeat of a request."""
    sent = [f"{name}: {value}" for name, value in request.headers.items() if "auth" in name]
    bare = [value.rpartition(" ")[2] for name, value in request.headers.items() if "auth" in name]
    query = [value for _, value in request.url.params.multi_items()]
    said = [str(request.url), request.url.raw_path.decode(), *query, *sent, *bare, request.content.decode()]
    return [one for one in said if one]


SPELLED: dict[str, Callable[[str], tuple[str, str]]] = {
    "json": lambda said: ("application/json", json.dumps({"code": "bad", "message": said})),
    "json-by-field": lambda said: ("application/json", json.dumps({"headers": [said], "debug": {"sent": said}})),
    "json-in-json": lambda said: ("application/json", json.dumps({"error": "bad", "detail": json.dumps({"at": said})})),
    "html": lambda said: ("text/html", f"<html><style>p</style><h1>Bad</h1><pre>{html.escape(said)}</pre></html>"),
    "xml": lambda said: (
        "application/xml",
        f"<Error><Code>SignatureDoesNotMatch</Code><SignatureProvided>{html.escape(said)}</SignatureProvided></Error>",
    ),
    "plain": lambda said: ("text/plain", f"could not serve {said}, sorry"),
    "encoded": lambda said: ("text/plain", str(httpx.QueryParams({"request": said}))),
    "unlike-any": lambda said: ("application/json", json.dumps({said: said, "features": said, "data": said, "id": 1})),
}
BROKEN, BROKEN_LATER = 0, 1
"""No status: the connection breaks with an error that repeats the request, at once or while the answer is read."""
STATUSES = (BROKEN, BROKEN_LATER, 200, 302, 400, 401, 503)


class Breaking(httpx.SyncByteStream):
    """A body that ends in an error."""

    def __init__(self, error: httpx.HTTPError) -> None:
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        yield b"{"
        raise self._error


def careless(spell: Callable[[str], tuple[str, str]], status: int, which: int, tokens: bool) -> httpx.MockTransport:
    """A server that answers with one of the things it was sent; also asked for tokens, or only then it works."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "token" in request.url.path and tokens:
            return httpx.Response(200, json={"access_token": TOKEN, "expires_in": 3600})
        said = heard(request)
        broken = httpx.RemoteProtocolError(f"illegal: {said[which % len(said)].encode()!r}", request=request)
        if status == BROKEN:
            raise broken
        if status == BROKEN_LATER:
            return httpx.Response(200, stream=Breaking(broken))
        media_type, body = spell(said[which % len(said)])
        headers = {"Content-Type": media_type, "Location": f"http://elsewhere.example.com/?sig={MARK}"}
        return httpx.Response(status, headers=headers, text=body)

    return httpx.MockTransport(answer)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that a traceback tells it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def texts_of(error: BaseException) -> Iterator[tuple[str, str | bytes]]:
    """All texts that logs, crash reports or another process could make of an error."""
    yield "traceback", "".join(traceback.format_exception(error))
    for each in chain(error):
        name = type(each).__name__
        yield f"str of {name}", str(each)
        yield f"repr of {name}", repr(each)
        yield f"args of {name}", repr(each.args)
        yield f"fields of {name}", repr(vars(each))
        if isinstance(each, TaskingError):
            yield f"pickle of {name}", pickle.dumps(each)


@pytest.mark.parametrize("spelled", SPELLED)
@pytest.mark.parametrize("provider", OPENED)
def test_no_error_holds_a_secret_whatever_the_server_repeats(
    provider: str, spelled: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    search, raised = Search(), 0
    for status in STATUSES:
        for tokens in (True, False):
            for which in range(6):
                with OPENED[provider](careless(SPELLED[spelled], status, which, tokens)) as client:
                    for call in (*CALLS[provider], download):
                        try:
                            call(client)
                        except TaskingError as error:
                            raised += 1
                            for kind, text in texts_of(error):
                                search.look(kind, f"{status} {which} {tokens}", text)
    search.look("log", "", caplog.text)
    assert raised > 300
    assert search.found == []

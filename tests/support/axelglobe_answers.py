"""A stand-in for AxelGlobe that answers from the document's examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from pydantic import SecretStr

from tasking.axelglobe.order import AxelGlobeOrder
from tasking.axelglobe.provider import AxelGlobe
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.http.api import HttpSettings

SECRET = "top-secret-value"
API = "https://sandbox-api.example.com/wfs/tasking/v2/"
QUICK = HttpSettings(
    attempts=2, wait_initial_seconds=0, wait_max_seconds=0, wait_jitter_seconds=0, requests_per_second=10_000
)
SETTINGS = AxelGlobeSettings(
    api_url=API,
    token_url="https://auth.example.com/oauth/token",
    client_id=SecretStr("me"),
    client_secret=SecretStr(SECRET),
    http=QUICK,
)

PLAN_ID = "VGFza1BsYW46MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw"
CAPTURE_ID = "cmFuZG9t+c3RyaW5n/w=="

# as the document prints it: empty coordinates, links without an address, a raw href
REQUEST: dict[str, Any] = {
    "type": "Feature",
    "id": "VGFzazox",
    "geometry": {"type": "Polygon", "coordinates": []},
    "properties": {
        "name": "My Task",
        "created": "2025-07-03T12:10:45Z",
        "valid_start": "2025-07-01T00:10:59Z",
        "valid_end": "2025-07-14T00:00:00Z",
        "off_nadir_range": [5.6, 5.9],
        "satellites": ["GRUS-1A"],
        "priority": "NORMAL",
        "cancel_until": "2025-07-01T00:10:59Z",
        "task_plan_id": PLAN_ID,
        "status": "PLANNED",
        "ag:capture_id": None,
    },
    "links": [
        {"rel": "self", "type": "application/geo+json"},
        {"rel": "parent", "type": "application/geo+json"},
        {
            "rel": "assets",
            "href": "https://sandbox-api.example.com/stac/v1/catalogs/axelglobe/search?filter=ag:capture_id = 'eA=='",
            "type": "application/geo+json",
        },
    ],
}


WINDOW = {"valid_start": "2025-07-01T00:10:59Z", "valid_end": "2025-07-14T00:00:00Z", "off_nadir_range": [0, 30]}
RING = [[139.7, 35.6], [139.85, 35.6], [139.85, 35.72], [139.7, 35.72], [139.7, 35.6]]
ORDER = AxelGlobeOrder.model_validate(
    {
        "name": "Tokyo Bay",
        "area": {"type": "Polygon", "coordinates": [RING]},
        "window": {"start": WINDOW["valid_start"], "end": WINDOW["valid_end"]},
    }
)


class Fake:
    """Answers with what is laid out for a path, in turn (the last one for ever), and keeps what it was sent."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {path: each if isinstance(each, list) else [each] for path, each in answers.items()}
        self.sent: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "the-token", "expires_in": 86400, "token_type": "Bearer"})
        self.sent.append(request)
        for path, answers in self.answers.items():
            if path in request.url.path:
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)
        return httpx.Response(404, json={"code": "NotFound", "description": "no such thing"})


def provider(fake: Callable[[httpx.Request], httpx.Response]) -> AxelGlobe:
    return AxelGlobe(SETTINGS, transport=httpx.MockTransport(fake))


def changed(feature: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {**feature, "properties": {**feature["properties"], **properties}}


def listed(*features: dict[str, Any], matched: int | None = None, **next_link: Any) -> dict[str, Any]:
    page: dict[str, Any] = {"type": "FeatureCollection", "features": list(features), "links": [{"rel": "self"}]}
    if next_link:
        page["links"].append({"rel": "next", **next_link})
    if matched is not None:
        page["numberMatched"] = matched
    return page


# products -------------------------------------------------------------------------------------------------------------

ITEM: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "id": "GRUS1A_1",
    "collection": "grus-1",
    "geometry": None,
    "properties": {"datetime": "2025-07-01T00:11:00Z", "ag:capture_id": CAPTURE_ID},
    "assets": {
        "tci": {"href": "/files/a b.tif", "type": "image/tiff"},
        "thumbnail": {"href": "https://bucket.example.net/t.png?sig=a+b"},
        "odd": {"href": "s3://bucket/x"},
    },
    "links": [],
}
DONE = changed(REQUEST, status="DATA_AVAILABLE", **{"ag:capture_id": CAPTURE_ID})
STAC = "https://sandbox-api.example.com/stac/v1/catalogs/axelglobe/search"


def products(*pages: Any, request: dict[str, Any] = DONE) -> tuple[list[dict[str, Any]], list[httpx.Request]]:
    fake = Fake(requests=request, search=list(pages))
    one = provider(fake)
    return one.products(one.read(["VGFzazox"])["VGFzazox"]), [each for each in fake.sent if "stac" in each.url.path]

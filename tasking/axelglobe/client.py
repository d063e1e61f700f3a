"""AxelGlobe's Tasking API, call by call, as its document describes it.

Each method is one documented call (a list is as many as it has pages). Errors are those of `Api.create` where something
is sent once, else those of `Api.get`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from tasking.axelglobe import filters
from tasking.axelglobe.models import (
    Collection,
    Collections,
    Conformance,
    GroundTrack,
    Landing,
    ListedPlan,
    ListedRequest,
    Page,
    Satellite,
    TaskCandidate,
    TaskPlan,
    TaskRequest,
    href_of,
)
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.client_base import ClientBase
from tasking.http.api import Operation
from tasking.http.paging import pages
from tasking.http.urls import segment
from tasking.window import iso

F = TypeVar("F", bound=BaseModel)

PAGE = 20
"""Most features on a page of a list, by the document."""
CANDIDATES_PAGE = 100
"""The same for candidates."""

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


class AxelGlobeClient(ClientBase[AxelGlobeSettings]):
    """The documented API of one account."""

    provider = "axelglobe"

    # the service -----------------------------------------------------------------------------------------------------

    def touch(self) -> object:
        """The landing page, for the time that comes with it."""
        return self.landing()

    def landing(self) -> Landing:
        """The landing page."""
        return self.api.get(self.api.url(""), Landing, Operation("read landing page"))[0]

    def conformance(self) -> tuple[str, ...]:
        """The URIs of the standards the server conforms to."""
        return self.api.get(self.api.url("conformance"), Conformance, Operation("read conformance"))[0].conforms_to

    def collections(self) -> tuple[Collection, ...]:
        """All collections: satellites, ground tracks, plans, candidates and requests."""
        return self.api.get(self.api.url("collections"), Collections, Operation("list collections"))[0].collections

    def collection(self, collection_id: str) -> Collection:
        """One collection."""
        operation = Operation("read collection", provider_id=collection_id)
        return self.api.get(self.api.url(f"collections/{segment(collection_id)}"), Collection, operation)[0]

    # satellites ------------------------------------------------------------------------------------------------------

    def satellites(self) -> Iterator[Satellite]:
        """All satellites that can be tasked."""
        return self._list("satellites", Satellite, Operation("list satellites"))

    def satellite(self, satellite_id: str) -> Satellite:
        """One satellite, e.g. ``GRUS-1B``."""
        return self._item("satellites", satellite_id, Satellite, "read satellite")

    def ground_tracks(self, satellite_id: str | None = None) -> Iterator[GroundTrack]:
        """Future ground tracks, of one satellite or of all."""
        only = filters.equals("satellite_id", satellite_id) if satellite_id is not None else None
        return self._list("satellite_ground_tracks", GroundTrack, Operation("list ground tracks"), {"filter": only})

    def ground_track(self, track_id: str) -> GroundTrack:
        """One ground track."""
        return self._item("satellite_ground_tracks", track_id, GroundTrack, "read ground track")

    # plans -----------------------------------------------------------------------------------------------------------

    def create_plan(
        self,
        name: str,
        geometry: Mapping[str, Any],
        start: datetime,
        end: datetime,
        off_nadir_range: tuple[float, float] | None = None,
        satellites: tuple[str, ...] = (),
    ) -> TaskPlan:
        """Create a Task Plan: free, and information only. Sent once.

        Args:
            name: Given back by the provider with the plan; we put our reference there.
            geometry: GeoJSON Polygon, at most 250 km wide.
            start: Begin of the window, aware.
            end: End of the window, at most 14 days later.
            off_nadir_range: Smallest and largest angle off nadir, degrees; left out when ``None``.
            satellites: Which may take the image; left out when empty.
        """
        properties: dict[str, Any] = {"name": name, "valid_start": iso(start), "valid_end": iso(end)}
        if off_nadir_range is not None:
            properties["off_nadir_range"] = list(off_nadir_range)
        if satellites:
            properties["satellites"] = list(satellites)
        body = {"type": "Feature", "geometry": dict(geometry), "properties": properties}
        return self.api.create(self._items("plans"), body, TaskPlan, Operation("create plan", reference=name))

    def plans(
        self,
        *,
        bbox: Bounds | None = None,
        between: tuple[datetime, datetime] | None = None,
        filter: str | None = None,
    ) -> Iterator[ListedPlan]:
        """The account's plans; what cannot be read of one is left out of it, down to its id.

        Args:
            bbox: Only plans that intersect it.
            between: Only plans whose window intersects it (aware).
            filter: CQL2 text, see `tasking.axelglobe.filters`.
        """
        return self._list("plans", ListedPlan, Operation("list plans"), _narrowed(bbox, between, filter))

    def plan_pages(self) -> Iterator[tuple[list[ListedPlan], int | None]]:
        """The account's plans page by page, each with how many there are in all (when the server says so)."""
        operation = Operation("list plans")
        for page in self._pages("plans", operation, {}, PAGE):
            yield list(self._readable(page.features, ListedPlan, operation)), page.number_matched

    def plan(self, plan_id: str) -> TaskPlan:
        """One plan."""
        return self._item("plans", plan_id, TaskPlan, "read plan")

    # candidates ------------------------------------------------------------------------------------------------------

    def candidates(
        self, plan_id: str, *, bbox: Bounds | None = None, between: tuple[datetime, datetime] | None = None
    ) -> Iterator[TaskCandidate]:
        """The candidates of a plan; one that cannot be read is left out, with a warning.

        Args:
            plan_id: Whose candidates; the document requires this filter.
            bbox: Only candidates that intersect it.
            between: Only candidates whose capture time intersects it (aware).
        """
        params = _narrowed(bbox, between, filters.equals("task_plan_id", plan_id))
        operation = Operation("list candidates", provider_id=plan_id)
        return self._list("candidates", TaskCandidate, operation, params, limit=CANDIDATES_PAGE)

    def candidate(self, candidate_id: str) -> TaskCandidate:
        """One candidate."""
        return self._item("candidates", candidate_id, TaskCandidate, "read candidate")

    # requests --------------------------------------------------------------------------------------------------------

    def create_request(self, name: str, candidate_id: str, priority: str = "NORMAL") -> TaskRequest:
        """Create a Task Request: this consumes a Task Credit. Sent once.

        Args:
            name: We put our label there.
            candidate_id: What to capture, within the candidate's lifetime.
            priority: ``NORMAL`` or ``EMERGENCY`` in the document.
        """
        body = {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": []},  # to be left empty with a candidate, by the document
            "properties": {"name": name, "candidate_id": candidate_id, "priority": priority},
        }
        operation = Operation("create request", reference=name, provider_id=candidate_id)
        return self.api.create(self._items("requests"), body, TaskRequest, operation)

    def requests(self, *, priority: str | None = None, task_plan_id: str | None = None) -> Iterator[ListedRequest]:
        """The account's requests, all or of one priority or plan; what cannot be read of one is left out of it."""
        by_priority = filters.equals("priority", priority) if priority is not None else None
        by_plan = filters.equals("task_plan_id", task_plan_id) if task_plan_id is not None else None
        operation = Operation("list requests", provider_id=task_plan_id)
        return self._list("requests", ListedRequest, operation, {"filter": filters.both(by_priority, by_plan)})

    def request_pages(self) -> Iterator[tuple[list[ListedRequest], int | None]]:
        """The account's requests page by page, each with how many there are in all (when the server says so)."""
        operation = Operation("list requests")
        for page in self._pages("requests", operation, {}, PAGE):
            yield list(self._readable(page.features, ListedRequest, operation)), page.number_matched

    def request(self, request_id: str) -> TaskRequest:
        """One request."""
        return self._item("requests", request_id, TaskRequest, "read request")

    # how -------------------------------------------------------------------------------------------------------------

    def _items(self, collection: str, params: Mapping[str, str] | None = None) -> httpx.URL:
        return self.api.url(f"collections/{collection}/items", params)

    def _item(self, collection: str, identifier: str, model: type[F], verb: str) -> F:
        return self._one(self.api.url(f"collections/{collection}/items/{segment(identifier)}"), identifier, model, verb)

    def _list(
        self,
        collection: str,
        model: type[F],
        operation: Operation,
        params: Mapping[str, str | None] | None = None,
        *,
        limit: int = PAGE,
    ) -> Iterator[F]:
        for page in self._pages(collection, operation, params or {}, limit):
            yield from self._readable(page.features, model, operation)

    def _pages(
        self, collection: str, operation: Operation, params: Mapping[str, str | None], limit: int
    ) -> Iterator[Page]:
        """Follow ``rel=next`` until it is absent.

        The document shows next links without an address. A list must not end early because of one (a request that is
        overlooked would be ordered a second time), so such a link is followed by ``offset``, which is documented too.
        """
        sent = {"limit": str(limit), **{key: value for key, value in params.items() if value is not None}}
        read = 0

        def next_href(page: Page) -> str | None:
            nonlocal read
            read += len(page.features)
            href = href_of(page.links, "next")
            announced = any(link.rel == "next" for link in page.links)
            if href or not announced or not page.features or read >= (page.number_matched or read):
                return href
            return str(self._items(collection, {**sent, "offset": str(read)}))

        return pages(self.api, self._items(collection, sent), Page, next_href, operation)


def _narrowed(
    bbox: Bounds | None, between: tuple[datetime, datetime] | None, cql2: str | None
) -> dict[str, str | None]:
    return {
        "bbox": filters.box(bbox) if bbox is not None else None,
        "datetime": filters.interval(*between) if between is not None else None,
        "filter": cql2,
    }

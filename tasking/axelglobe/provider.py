"""AxelGlobe as a provider: the shared verbs on top of its client."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import httpx

from tasking.axelglobe.client import PAGE, AxelGlobeClient
from tasking.axelglobe.conversions import candidate_of, plan_of, request_of
from tasking.axelglobe.matching import our_plan, our_request
from tasking.axelglobe.models import TaskPlan, TaskRequest
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.axelglobe.products import items_of
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.bulk_reading import ManyById, each_singly, narrowed
from tasking.candidate import Candidate
from tasking.errors import CredentialsRefused, ProviderError, Refused, Unavailable, UnexpectedAnswer
from tasking.http.downloads import asset_address, item_identity
from tasking.order import Order
from tasking.provider import Plan, TaskingRequest
from tasking.provider_base import ProviderBase

logger = logging.getLogger(__name__)


class AxelGlobe(ProviderBase[AxelGlobeSettings, AxelGlobeClient, AxelGlobeOrder]):
    """AxelGlobe for one account, as `tasking.provider.Provider`; close it, or use it as a context manager.

    AxelGlobe documents no way to cancel a request, so there is none here; ``cancel_until`` is shown.
    """

    name, title = "axelglobe", "AxelGlobe"
    client_type, order_type = AxelGlobeClient, AxelGlobeOrder

    def __init__(self, settings: AxelGlobeSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(settings, transport=transport)
        self._request_of: dict[tuple[str, str], str] = {}

    @property
    def environment(self) -> str:
        """The API's host: sandbox and production have one each."""
        return str(httpx.URL(self.settings.api_url).join("/"))

    def check(self, order: Order) -> None:
        """Refuse an order that is not AxelGlobe's, or whose window is over. All else the order itself has checked.

        Raises:
            InvalidOrder: Says what would be right.
        """
        self._ours(order).window.refuse_if_past(self.clock.now())

    def find_plan(self, order: Order, label: str) -> Plan | None:
        """The plan called ``label``, the oldest if there are several.

        Only plans that meet the order's own window and area are listed: ours does, and an account may have thousands.
        Should the server refuse these documented filters, all plans are read.

        Raises:
            ReferenceTaken: A plan of that name asks for something else.
        """
        mine = self._ours(order)
        with self._about(label):
            bounds, between = mine.area.bounds, (mine.window.start, mine.window.end)
            plans = narrowed(lambda: self.client.plans(bbox=bounds, between=between), self.client.plans)
            found = our_plan(plans, mine, label)
        return plan_of(found, self.settings, self.clock.now()) if found is not None else None

    def plan(self, order: Order, label: str) -> Plan:
        """Create the Task Plan, named ``label``. One POST, never repeated; see `AxelGlobeClient.create_plan`."""
        mine = self._ours(order)
        made = self.client.create_plan(
            label, mine.area.geometry, mine.window.start, mine.window.end, mine.off_nadir_range, mine.satellites
        )
        return plan_of(made, self.settings, self.clock.now())

    def read_plan(self, plan_id: str) -> Plan:
        """Read one plan; it is ready when AxelGlobe says ACTIVE."""
        return plan_of(self.client.plan(plan_id), self.settings, self.clock.now())

    def read_plans(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """Read many plans in the fewest calls, as `read` does: single ones, or pages of the list.

        A list that cannot be read costs single calls; one plan that cannot be read costs no other.

        Returns:
            By id; absent are those that AxelGlobe does not know, and those that cannot be read now.

        Raises:
            Unavailable, CredentialsRefused: None was answered for.
        """
        many = ManyById[TaskPlan](plan_ids, lambda plan: plan.id, PAGE)
        found: dict[str, TaskPlan] = {}
        try:
            try:
                many.read_pages(self.client.plan_pages())
            except (Unavailable, CredentialsRefused):
                raise
            except ProviderError as error:
                logger.warning("The list of plans cannot be read, so they are read one by one: %s", error)
            found |= each_singly(many.missing, self.client.plan)
        except (Unavailable, CredentialsRefused):
            if not many.found:
                raise
        found |= many.found
        return {key: plan_of(each, self.settings, self.clock.now()) for key, each in found.items()}

    def candidates(self, plan_id: str, order: Order | None = None) -> list[Candidate]:  # noqa: ARG002
        """All candidates of a plan that can be ordered by id and time; those of other plans are never among them."""
        candidates: dict[str, Candidate] = {}
        for each in self.client.candidates(plan_id):
            candidate = candidate_of(each) if each.properties.task_plan_id in (None, plan_id) else None
            if candidate is not None:
                candidates[candidate.id] = candidate
        return list(candidates.values())

    def find_request(
        self,
        order: Order,
        plan_id: str | None,
        label: str,
        earlier: Collection[str] = (),
        announced: bool = False,  # noqa: ARG002
    ) -> TaskingRequest | None:
        """The request that ``label`` stands for, or ``None``; how it is told is in `finding.our_request`."""
        self._ours(order)
        assert plan_id is not None, "AxelGlobe orders have a plan"
        with self._about(label):
            found = our_request(self.client.requests(task_plan_id=plan_id), plan_id, label, earlier)
        return request_of(found, self.settings, self.clock.now()) if found is not None else None

    def request(self, order: Order, plan_id: str | None, candidate: Candidate, label: str) -> TaskingRequest:  # noqa: ARG002
        """Order the capture. One POST, never repeated; see `AxelGlobeClient.create_request`."""
        made = self.client.create_request(label, candidate.id, self._ours(order).priority)
        return request_of(made, self.settings, self.clock.now(), candidate)

    def read(
        self,
        request_ids: Sequence[str],
        candidates: Mapping[str, Candidate] | None = None,
        known: Mapping[str, TaskingRequest] | None = None,  # noqa: ARG002  # the lists tell all there is
    ) -> Mapping[str, TaskingRequest]:
        """Read many requests in the fewest calls: single ones, or pages of the list, whichever is fewer.

        One or two requests are asked singly; for more see `tasking.bulk_reading`. What the pages do not show is asked
        singly before it counts as unknown.

        Args:
            request_ids: AxelGlobe's ids.
            candidates: What was ordered with them, when known: gives the exact capture times.

        Returns:
            By id; ids that AxelGlobe does not know are absent.
        """
        many = ManyById[TaskRequest](request_ids, lambda request: request.id, PAGE)
        many.read_pages(self.client.request_pages())
        found = many.read_singly(self.client.request)
        chosen, now = candidates or {}, self.clock.now()
        return {key: request_of(each, self.settings, now, chosen.get(key)) for key, each in found.items()}

    def products(self, request: TaskingRequest) -> list[dict[str, Any]]:
        """STAC items (JSON) of the request's capture, with absolute and fresh addresses; empty while there are none."""
        if not request.capture_ids:
            return []
        found = items_of(self.client, request.id)
        self._request_of |= {item_identity(item): request.id for item in found}
        self.downloads.listed(found)
        return found

    def _fresh_address(self, item: dict[str, Any], key: str, refused: str) -> str | None:
        request_id = self._request_of.get(item_identity(item))
        if request_id is None:
            return None
        try:
            found = items_of(self.client, request_id)
        except (Refused, UnexpectedAnswer):
            return None
        now = (asset_address(each, key) for each in found if item_identity(each) == item_identity(item))
        return next((each for each in now if each != refused), None)

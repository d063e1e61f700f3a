"""Oriole as a provider: the shared verbs on top of its client."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from tasking.candidate import Candidate
from tasking.errors import ReferenceTaken
from tasking.http.downloads import asset_address
from tasking.order import Order
from tasking.provider import CancelTerms, TaskingRequest
from tasking.provider_base import ProviderBase
from tasking.status import StatusCode
from tests.support.oriole.client import OrioleClient, Taken, ids
from tests.support.oriole.order import OrioleOrder
from tests.support.oriole.settings import OrioleSettings

logger = logging.getLogger(__name__)

STATUS = {
    "queued": StatusCode.RECEIVED,
    "planned": StatusCode.SCHEDULED,
    "taken": StatusCode.PROCESSING,
    "delivered": StatusCode.COMPLETED,
    "cancelled": StatusCode.USER_CANCELLED,
}
CANCELLABLE = ("queued", "planned")
PATIENCE = timedelta(days=14)


class Oriole(ProviderBase[OrioleSettings, OrioleClient, OrioleOrder]):
    """Oriole for one account, as `tasking.provider.Provider` with `Cancels`."""

    name, title = "oriole", "Oriole"
    client_type, order_type = OrioleClient, OrioleOrder

    @property
    def environment(self) -> str:
        """The API's address."""
        return self.settings.api_url

    def check(self, order: Order) -> None:
        """Refuse an order that is not Oriole's."""
        self._ours(order)

    def find_request(
        self,
        order: Order,
        plan_id: str | None,
        label: str,
        earlier: Collection[str] = (),
        announced: bool = False,
    ) -> TaskingRequest | None:
        """The order that carries ``label``; raises `ReferenceTaken` if it is of another point."""
        mine = [one for one in self.client.orders(label=label) if one.id not in earlier and one.label == label]
        if mine and list(mine[0].point) != self._ours(order).point.geometry["coordinates"]:
            raise ReferenceTaken(f"oriole: order {mine[0].id} carries the label {label!r}, and is of another point")
        return self._request(mine[0]) if mine else None

    def request(self, order: Order, plan_id: str | None, candidate: Candidate, label: str) -> TaskingRequest:
        """Place the order; one POST."""
        wish = self._ours(order)
        body = {
            "label": label,
            "point": wish.point.geometry["coordinates"],
            "start": candidate.start.isoformat(),
            "end": candidate.end.isoformat(),
        }
        return self._request(self.client.create(body))

    def read(
        self,
        request_ids: Sequence[str],
        candidates: Mapping[str, Candidate] | None = None,
        known: Mapping[str, TaskingRequest] | None = None,
    ) -> Mapping[str, TaskingRequest]:
        """Read many in one call."""
        return {one.id: self._request(one) for one in self.client.orders(ids=ids(request_ids))}

    def products(self, request: TaskingRequest) -> list[dict[str, Any]]:
        """The STAC item of the order."""
        return [self.client.item(one) for one in request.capture_ids]

    def _fresh_address(self, item: dict[str, Any], key: str, refused: str) -> str | None:
        fresh = asset_address(self.client.item(item["id"]), key)
        return None if fresh == refused else fresh

    def cancel_terms(self, request_id: str) -> CancelTerms:
        """A cancel costs nothing until the image is taken."""
        state = self.client.order(request_id).state
        allowed = state in CANCELLABLE
        return CancelTerms(allowed=allowed, fee_percent=0, message=f"order {request_id} is {state}")

    def cancel(self, request_id: str) -> TaskingRequest:
        """Cancel it; raises `Refused` when it is too late."""
        return self._request(self.client.cancel(request_id))

    def _request(self, taken: Taken) -> TaskingRequest:
        status = STATUS.get(taken.state)
        if status is None:
            logger.warning("oriole: order %s has a state that is not known here: %r", taken.id, taken.state)
        return TaskingRequest(
            id=taken.id,
            status=status,
            provider_status=taken.state,
            capture_ids=(taken.id,) if status is StatusCode.COMPLETED else (),
            start=taken.start,
            end=taken.end,
            next_look_at=self.clock.now() + timedelta(seconds=self.poll_interval_seconds),
            give_up_at=taken.end + PATIENCE,
        )

"""Satellogic as a provider: the shared verbs on top of its client."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from tasking.account import OneAccount
from tasking.candidate import Candidate
from tasking.errors import CredentialsRefused, InvalidOrder, NotFound, ProviderError, Refused
from tasking.order import Order
from tasking.provider import CancelTerms, Plan, Request
from tasking.satellogic.analysis import AnalysisName, candidates_of, is_broken, plan_of
from tasking.satellogic.cancelling import cancel, terms
from tasking.satellogic.client import PAGE, SatellogicClient, task_payload
from tasking.satellogic.conversions import can_have_captures, request_of
from tasking.satellogic.finding import our_task
from tasking.satellogic.models import Analysis, Capture, Task
from tasking.satellogic.order import SatellogicOrder
from tasking.satellogic.settings import SatellogicSettings


class Satellogic(OneAccount[SatellogicSettings, SatellogicClient]):
    """Satellogic for one account and contract, as `tasking.provider.Provider`; also a context manager.

    It plans (an analysis of opportunities) and it cancels. A plan is an analysis: free, and kept for 24 hours.

    Args:
        settings: Addresses, credentials, contract and timing.
        transport: For tests.
    """

    name = "satellogic"

    def __init__(self, settings: SatellogicSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(settings, SatellogicClient(settings, transport=transport))

    @property
    def environment(self) -> str:
        """The API's host and the contract: tasks are ordered, listed and read under it alone."""
        return f"{httpx.URL(self.settings.api_url).join('/')} under contract {self.settings.contract_id}"

    def learn_time(self) -> None:
        """Ask for the contracts unless an answer has told the time already."""
        if not self.clock.known:
            self.client.contracts()

    def check(self, order: Order) -> None:
        """Refuse an order that is not Satellogic's, or whose window is over. All else the order itself has checked.

        Raises:
            InvalidOrder: Says what would be right.
        """
        _ours(order).window.refuse_if_past(self.clock.now())

    # plans -----------------------------------------------------------------------------------------------------------

    def find_plan(self, order: Order, label: str) -> Plan | None:  # noqa: ARG002
        """``None``, always: analyses cannot be listed. One that is asked for twice costs nothing and orders nothing."""
        _ours(order)
        return None

    def plan(self, order: Order, label: str) -> Plan:
        """Start an analysis with the very payload of the task. One POST; see `SatellogicClient.start_analysis`."""
        mine = _ours(order)
        kind = self.settings.analysis
        made = self.client.start_analysis(kind, self._payload(mine, label, mine.window.start, mine.window.end))
        asked = self.clock.now().replace(microsecond=0)
        return plan_of(AnalysisName(kind, made.id, asked), made, self.settings)

    def read_plan(self, plan_id: str) -> Plan:
        """Read one analysis; it is ready when it is finished.

        Raises:
            NotFound: Forgotten (after 24 hours), or failed at the provider: another one is to be made.
        """
        name, analysis = self._analysis(plan_id)
        return plan_of(name, analysis, self.settings)

    def candidates(self, plan_id: str, order: Order | None = None) -> list[Candidate]:  # noqa: ARG002
        """The opportunities of a finished analysis; none while it is not finished."""
        return candidates_of(self._analysis(plan_id)[1], self.settings)

    def _analysis(self, plan_id: str) -> tuple[AnalysisName, Analysis]:
        name = AnalysisName.read(plan_id)
        if name is None:
            raise NotFound("not the id of an analysis", provider=self.name, verb="read analysis", provider_id=plan_id)
        found = self.client.analysis(name.kind, name.id)
        if is_broken(found):
            raise NotFound(
                "the analysis failed", provider=self.name, verb="read analysis", provider_id=name.id, said=found.status
            )
        return name, found

    # requests --------------------------------------------------------------------------------------------------------

    def find_request(
        self,
        order: Order,
        plan_id: str | None,  # noqa: ARG002
        label: str,
        earlier: Collection[str] = (),  # noqa: ARG002
        announced: bool = False,  # noqa: ARG002
    ) -> Request | None:
        """The task called ``label``, the oldest if there are several; how it is told is in `finding.our_task`.

        The documented filter by name spares us the rest of the list. Should the server refuse it, all tasks are read.

        Raises:
            ReferenceTaken: A task of that name asks for something else.
        """
        mine = _ours(order)
        with _about(label):
            try:
                tasks = list(self.client.tasks(task_name=label))
            except (CredentialsRefused, NotFound):
                raise
            except Refused:
                tasks = list(self.client.tasks())
            found = our_task(tasks, mine, label, self.settings.codes[mine.product])
            return self._request(found) if found is not None else None

    def request(self, order: Order, plan_id: str | None, candidate: Candidate, label: str) -> Request:  # noqa: ARG002
        """Create the task. One POST, never repeated; see `SatellogicClient.create_task`.

        The task's window is the chosen opportunity with a margin (inside the order's window), or all of the order's
        window when the order wants it so, covers an area, or wants several captures.
        """
        mine = _ours(order)
        start, end = mine.window.start, mine.window.end
        if mine.narrowed:
            margin = timedelta(seconds=self.settings.narrow_margin_seconds)
            start, end = max(start, candidate.start - margin), min(end, candidate.end + margin)
        made = self.client.create_task(self._payload(mine, label, start, end))
        return request_of(made, (), self.settings, self.clock.now(), candidate)

    def read(
        self,
        request_ids: Sequence[str],
        candidates: Mapping[str, Candidate] | None = None,
        known: Mapping[str, Request] | None = None,  # noqa: ARG002
    ) -> Mapping[str, Request]:
        """Read many tasks in the fewest calls: single ones, or pages of the list, whichever is fewer.

        How many pages there are is known after the first. One or two tasks are asked singly. Pages are read on as long
        as each brings two or more, or as long as they are fewer than what is missing. What the pages do not show is
        asked singly before it counts as unknown. Then the captures of each task that can have some are read.

        Args:
            request_ids: Satellogic's task ids.
            candidates: What was chosen for them, when known: gives the capture times of narrow tasks.
            known: Not looked at.

        Returns:
            By id; ids that Satellogic does not know are absent.
        """
        found: dict[str, Task] = {}
        missing = dict.fromkeys(request_ids)
        if len(missing) > 2:
            for read, (page, in_all) in enumerate(self.client.task_pages(), start=1):
                hits = {each.task_id: each for each in page if each.task_id in missing}
                found |= hits
                missing = {each: None for each in missing if each not in hits}
                size = len(page) or PAGE
                pages_left = -(-in_all // size) - read if in_all is not None else read
                if len(missing) <= 1 or (len(hits) < 2 and len(missing) <= pages_left):
                    break
        for task_id in missing:
            try:
                found[task_id] = self.client.task(task_id)
            except NotFound:
                continue
        chosen = candidates or {}
        return {key: self._request(each, chosen.get(key)) for key, each in found.items()}

    # cancelling ------------------------------------------------------------------------------------------------------

    def cancel_terms(self, request_id: str) -> CancelTerms:
        """What a cancel would mean now: which captures it still spares (12 hours' notice); nothing is cancelled."""
        task = self.client.task(request_id)
        return terms(task, self._captures(task), self.settings, self.clock.now())

    def cancel(self, request_id: str) -> Request:
        """Cancel the task. One PATCH; the task is read again, because the answer may be empty or lost.

        What was published before is delivered all the same.

        Raises:
            Refused: The task had ended otherwise.
            Unavailable: No clear answer, and the task is not canceled: cancel again, which does no harm.
        """
        return self._request(cancel(self.client, request_id))

    # what was delivered ----------------------------------------------------------------------------------------------

    def products(self, request: Request) -> list[dict[str, Any]]:
        """STAC items (JSON) of the published captures in ``request.capture_ids``; see `products.items`."""
        from tasking.satellogic.products import items

        return items(self.client, request)

    def open_asset(self, item: dict[str, Any], key: str) -> AbstractContextManager[httpx.Response]:
        """Open one asset of an item from `products` as a stream; see `products.open_asset`."""
        from tasking.satellogic.products import open_asset

        return open_asset(self.client, item, key)

    # how -------------------------------------------------------------------------------------------------------------

    def _payload(self, order: SatellogicOrder, label: str, start: datetime, end: datetime) -> dict[str, Any]:
        code = self.settings.codes[order.product]
        return task_payload(
            label,
            order.project,
            code,
            order.target,
            start,
            end,
            max_captures=order.max_captures,
            expected_age=order.expected_age,
        )

    def _captures(self, task: Task) -> list[Capture]:
        try:
            return self.client.captures(task.task_id) if can_have_captures(task) else []
        except NotFound:
            return []

    def _request(self, task: Task, candidate: Candidate | None = None) -> Request:
        return request_of(task, self._captures(task), self.settings, self.clock.now(), candidate)


@contextmanager
def _about(label: str) -> Iterator[None]:
    """Errors say which order they are about."""
    try:
        yield
    except ProviderError as error:
        error.reference = error.reference or label
        raise


def _ours(order: Order) -> SatellogicOrder:
    if not isinstance(order, SatellogicOrder):
        raise InvalidOrder("order", type(order).__name__, "give a SatellogicOrder to Satellogic")
    return order

"""Satellogic as a provider: the shared verbs on top of its client."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from tasking.bulk_reading import each_singly, narrowed
from tasking.candidate import Candidate
from tasking.errors import InvalidOrder, NotFound
from tasking.order import Order
from tasking.provider import CancelTerms, Contract, Plan, TaskingRequest
from tasking.provider_base import ProviderBase
from tasking.satellogic import plans
from tasking.satellogic.analysis import NO_ANALYSIS
from tasking.satellogic.cancel import cancel, terms
from tasking.satellogic.client import SatellogicClient, task_payload
from tasking.satellogic.conversions import can_have_captures, is_quiet, request_of, still_so
from tasking.satellogic.matching import our_task
from tasking.satellogic.models import Capture, Task
from tasking.satellogic.order import SatellogicOrder
from tasking.satellogic.reading import read_tasks
from tasking.satellogic.settings import SatellogicSettings


class Satellogic(ProviderBase[SatellogicSettings, SatellogicClient, SatellogicOrder]):
    """Satellogic for one account and contract, as `tasking.provider.Provider`; also a context manager.

    It plans (an analysis of opportunities) and it cancels. A plan is an analysis: free, and kept for 24 hours.
    """

    name, title = "satellogic", "Satellogic"
    client_type, order_type = SatellogicClient, SatellogicOrder

    @property
    def environment(self) -> str:
        """The API's host and the contract: tasks are ordered, listed and read under it alone."""
        return f"{httpx.URL(self.settings.api_url).join('/')} under contract {self.settings.contract_id}"

    def check(self, order: Order) -> None:
        """Refuse an order that is not Satellogic's, whose window is over, or that needs an analysis and has none.

        Raises:
            InvalidOrder: Says what would be right.
        """
        mine = self._ours(order)
        mine.window.refuse_if_past(self.clock.now())
        if mine.narrowed and self._analysis_of(mine) == NO_ANALYSIS:
            raise InvalidOrder(
                "analysis",
                "none (the account's)",
                f"{mine.wish} needs the opportunities of an analysis; give 'opportunities' or 'can-add', or order the "
                "whole window",
            )

    def contracts(self) -> list[Contract]:
        """The account's contracts, with the ids that an account block takes."""
        return [Contract(id=each.contract_id, name=each.name) for each in self.client.contracts()]

    # plans -----------------------------------------------------------------------------------------------------------

    def find_plan(self, order: Order, label: str) -> Plan | None:  # noqa: ARG002
        """``None``, always: analyses cannot be listed. One that is asked for twice costs nothing and orders nothing."""
        self._ours(order)
        return None

    def plan(self, order: Order, label: str) -> Plan:
        """Ask for an analysis with the very payload of the task, if there is one; see `plans.start`."""
        mine = self._ours(order)
        payload = self._payload(mine, label, mine.window.start, mine.window.end)
        return plans.start(self.client, mine, self._analysis_of(mine), payload)

    def read_plan(self, plan_id: str) -> Plan:
        """Read one analysis; see `plans.read`.

        Raises:
            NotFound: Forgotten (after 24 hours): another one is to be made.
        """
        return plans.read(self.client, plan_id)

    def read_plans(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """Read many analyses, each in one call: they cannot be listed; see `tasking.bulk_reading.each_singly`."""
        return each_singly(dict.fromkeys(plan_ids), self.read_plan)

    def candidates(self, plan_id: str, order: Order | None = None) -> list[Candidate]:
        """What can be ordered; none while the analysis is not finished; see `plans.candidates`.

        Raises:
            NotFound: The analysis is forgotten, or failed and is needed: another one is to be made.
            OrderEnded: Not feasible, or nothing to choose from.
        """
        return plans.candidates(self.client, plan_id, None if order is None else self._ours(order))

    # requests --------------------------------------------------------------------------------------------------------

    def find_request(
        self,
        order: Order,
        plan_id: str | None,  # noqa: ARG002
        label: str,
        earlier: Collection[str] = (),
        announced: bool = False,
    ) -> TaskingRequest | None:
        """The task called ``label``, the oldest if there are several; none of ``earlier``; see `finding.our_task`.

        The documented filter by name spares us the rest of the list. Should the server refuse it, all tasks are read.

        Raises:
            ReferenceTaken: A task of that name asks for something else.
        """
        mine = self._ours(order)
        with self._about(label):
            tasks = narrowed(lambda: self.client.tasks(task_name=label), self.client.tasks)
            others = [task for task in tasks if task.task_id not in earlier]
            found = our_task(others, mine, label, self.settings.codes[mine.product], announced=announced)
            return self._request(found) if found is not None else None

    def request(self, order: Order, plan_id: str | None, candidate: Candidate, label: str) -> TaskingRequest:  # noqa: ARG002
        """Create the task. One POST, never repeated; see `SatellogicClient.create_task`.

        The task's window is the chosen opportunity with a margin (inside the order's window), or all of the order's
        window when the order wants it so, covers an area, or wants several captures.
        """
        mine = self._ours(order)
        start, end = mine.window.start, mine.window.end
        if mine.narrowed:
            margin = timedelta(seconds=self.settings.narrow_margin_seconds)
            start, end = max(start, candidate.start - margin), min(end, candidate.end + margin)
        made = self.client.create_task(self._payload(mine, label, start, end))
        # nothing is known of its captures yet: the next look asks for them whatever its word is
        return request_of(made, (), self.settings, self.clock.now(), candidate).model_copy(update={"quiet_until": None})

    def read(
        self,
        request_ids: Sequence[str],
        candidates: Mapping[str, Candidate] | None = None,
        known: Mapping[str, TaskingRequest] | None = None,
    ) -> Mapping[str, TaskingRequest]:
        """Read many tasks in the fewest calls; see `reading.read_tasks`.

        The captures of a task are one more call. It is made when the task's word has changed, or when its time says
        that something can be new; see `conversions.is_quiet`.

        Args:
            request_ids: Satellogic's task ids.
            candidates: What was chosen for them, when known: gives the capture times of narrow tasks, and how many
                captures are wanted where the task does not say.
            known: How they stood when they were read last.

        Returns:
            By id; ids that Satellogic does not know are absent.
        """
        before, chosen, now = known or {}, candidates or {}, None
        words = {key: each.provider_status for key, each in before.items()}
        found: dict[str, TaskingRequest] = {}
        for key, task in read_tasks(self.client, request_ids, words).items():
            now = now or self.clock.now()  # known by the answer
            last = before.get(key)
            if last is not None and is_quiet(task, last, now):
                found[key] = still_so(last, self.settings, now)
            else:
                found[key] = self._request(task, chosen.get(key))
        return found

    # cancelling ------------------------------------------------------------------------------------------------------

    def cancel_terms(self, request_id: str) -> CancelTerms:
        """What a cancel would mean now: which captures it still spares (12 hours' notice); nothing is cancelled."""
        task = self.client.task(request_id)
        return terms(task, self._captures(task), self.settings, self.clock.now())

    def cancel(self, request_id: str) -> TaskingRequest:
        """Cancel the task. One PATCH; the task is read again, because the answer may be empty or lost.

        What was published before is delivered all the same.

        Raises:
            Refused: The task had ended otherwise.
            Unavailable: No clear answer, and the task is not canceled: cancel again, which does no harm.
        """
        return self._request(cancel(self.client, request_id))

    # what was delivered ----------------------------------------------------------------------------------------------

    def products(self, request: TaskingRequest) -> list[dict[str, Any]]:
        """STAC items (JSON) of the published captures in ``request.capture_ids``; see `products.items`."""
        from tasking.satellogic.products import items

        found = items(self.client, request)
        self.downloads.listed(found)
        return found

    def _fresh_address(self, item: dict[str, Any], key: str, refused: str) -> str | None:
        from tasking.satellogic.products import fresh_address

        fresh = fresh_address(self.client, item, key)
        return fresh if fresh != refused else None

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

    def _analysis_of(self, order: SatellogicOrder) -> str:
        return order.analysis or self.settings.analysis

    def _captures(self, task: Task) -> list[Capture]:
        try:
            return self.client.captures(task.task_id) if can_have_captures(task) else []
        except NotFound:
            return []

    def _request(self, task: Task, candidate: Candidate | None = None) -> TaskingRequest:
        return request_of(task, self._captures(task), self.settings, self.clock.now(), candidate)

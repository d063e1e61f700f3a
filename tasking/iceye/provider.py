"""ICEYE as a provider: the shared verbs on top of its client."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx

from tasking.bulk_reading import ManyById, narrowed
from tasking.candidate import Candidate
from tasking.errors import (
    CredentialsRefused,
    Incomplete,
    InvalidOrder,
    NotFound,
    ProviderError,
    Refused,
    Unavailable,
    Uncertain,
    UnexpectedAnswer,
)
from tasking.iceye.client import PAGE, IceyeClient
from tasking.iceye.contract_terms import (
    ResolvedTerms,
    agreed,
    chosen_contract,
    refuse_dates,
    rest_of_window,
    task_body,
    what_it_allows,
)
from tasking.iceye.conversions import (
    DELIVERIES,
    WITH_SCENE,
    cancel_terms_of,
    request_of,
    scene_is_due,
    statement_of,
)
from tasking.iceye.downloads import fresh_address, products_of
from tasking.iceye.fees import CANCELLABLE, DEAREST_PERCENT
from tasking.iceye.matching import created_after, our_task
from tasking.iceye.models import ListedTask, Scene, Task
from tasking.iceye.order import IceyeOrder
from tasking.iceye.quote import no_funds, quote_for, still_as_quoted
from tasking.iceye.settings import IceyeSettings
from tasking.order import Order
from tasking.provider import CancelTerms, Items, Quote, Statement, TaskingRequest, Webhook
from tasking.provider import Contract as AccountContract
from tasking.provider_base import ProviderBase
from tasking.window import Window

CANCELED = "CANCELED"


class Iceye(ProviderBase[IceyeSettings, IceyeClient, IceyeOrder]):
    """ICEYE for one account, as `tasking.provider.Provider` with `Quotes` and `Cancels`; also a context manager.

    ICEYE offers no candidates to choose from: an order is a task with a window, and ICEYE chooses the pass.
    """

    name, title = "iceye", "ICEYE"
    client_type, order_type = IceyeClient, IceyeOrder

    @property
    def dearest_cancel_percent(self) -> float:
        """The last of ICEYE's fees; see `tasking.iceye.fees`."""
        return DEAREST_PERCENT

    @property
    def environment(self) -> str:
        """The API's host and the organisation's token address. Not the contract: tasks are found under each."""
        return f"{httpx.URL(self.settings.api_url).join('/')} by {self.settings.auth_url}"

    # before an order is placed ---------------------------------------------------------------------------------------

    def check(self, order: Order) -> None:
        """Refuse an order that is not ICEYE's, or whose window is past or too far ahead.

        The last two are told by ICEYE's clock; while no answer has shown it, `quote` refuses instead.

        Raises:
            InvalidOrder: Says what would be right.
        """
        mine = self._ours(order)
        if self.clock.known:
            refuse_dates(mine, self.clock)

    def quote(self, order: Order) -> Quote:
        """Contract, price and budget (where the contract has a pricing plan), and feasibility; nothing is made.

        Raises:
            InvalidOrder: The contract does not allow it; says what it allows.
            OrderEnded: Not feasible, or not within the budget; says what would work.
        """
        mine = self._ours(order)
        self.learn_time()
        refuse_dates(mine, self.clock)
        return quote_for(self.client, mine, self._terms(mine))

    def _terms(self, order: IceyeOrder) -> ResolvedTerms:
        """The order under its contract; the list of contracts is documented, a single one is not."""
        wanted = order.contract_id or self.settings.contract_id
        return agreed(order, chosen_contract(self.client.contracts(wanted), wanted))

    def contracts(self) -> list[AccountContract]:
        """The account's contracts, and what each allows."""
        return [
            AccountContract(id=each.id, name=each.name, facts=what_it_allows(each)) for each in self.client.contracts()
        ]

    def statements(self) -> list[Statement]:
        """The budget of each contract that has a pricing plan; of the block's contract alone, where it names one."""
        wanted = self.settings.contract_id
        found = []
        for contract in self.client.contracts(wanted):
            if wanted is not None and contract.id.lower() != wanted.lower():
                continue
            with suppress(NotFound):  # no pricing plan
                found.append(statement_of(contract.id, self.client.summary(contract.id)))
        return found

    def webhooks(self) -> list[Webhook]:
        """The webhooks of the account."""
        return [Webhook(id=each.id, url=each.url) for each in self.client.webhooks()]

    def register_webhook(self, url: str) -> Webhook:
        """Register an address; sent once."""
        made = self.client.register_webhook(url)
        return Webhook(id=made.id, url=made.url)

    # the order -------------------------------------------------------------------------------------------------------

    def find_request(
        self,
        order: Order,
        plan_id: str | None,  # noqa: ARG002
        label: str,
        earlier: Collection[str] = (),
        announced: bool = False,
    ) -> TaskingRequest | None:
        """The task that carries ``label`` as its reference, the oldest if there are several; none of ``earlier``.

        ICEYE's list knows no filter by reference: the tasks made since the order can have been placed are read. The
        contract narrows the list only where the order itself names it. Should ICEYE refuse these documented filters,
        all tasks are read.

        Raises:
            ReferenceTaken: A task of that reference asks for something else.
        """
        mine = self._ours(order)
        with self._about(label):
            since = created_after(mine)
            pages = narrowed(
                lambda: self.client.tasks(contract_id=mine.contract_id, created_after=since),
                lambda: self.client.tasks(limit=None),
            )
            others = (task for page in pages for task in page if task.id not in earlier)
            found = our_task(others, mine, label, self.client.task, announced=announced)
        if found is not None and mine.delivery_locations and not found.deliveries:
            found = self._whole(found)
        return self._request(found) if found is not None else None

    def request(self, order: Order, plan_id: str | None, candidate: Candidate, label: str) -> TaskingRequest:  # noqa: ARG002
        """Create the task, as it was quoted. One POST, never repeated; see `tasking.http.api.Api.create`.

        Contract and price are read before, within the time that getting ready may take. The scene is not: a task that
        was just made has none. A candidate that an older version wrote down tells nothing of its quote: then the
        contract of today is settled anew.

        Raises:
            Uncertain: It was sent, and what came of it is unknown.
            Unavailable: It was not sent.
            Refused: A clear no: by the contract, the budget or any other rule, or what was quoted is not offered any
                more, or costs more.
        """
        mine = self._ours(order)
        quoted = candidate.quoted if candidate else None
        problem: ProviderError
        try:
            terms = still_as_quoted(self.client, mine, quoted) if quoted else self._terms(mine)
        except InvalidOrder as no:
            problem = self.client.error(Refused, str(no), "create task", reference=label)
        except UnexpectedAnswer as odd:
            message = f"was not sent, contract or price cannot be read: {odd}"
            problem = self.client.error(Unavailable, message, "create task", reference=label)
        else:
            try:
                made = self.client.create_task(task_body(mine, terms, label, self.settings.webhook_id))
                return request_of(made, None, self.settings, self.clock.now())
            except Refused as no:
                problem = no_funds(no) or no
        raise problem

    def rest_of(self, order: Order, before: Candidate | None) -> Window | None:
        """What is left of the window by the documented rules: the lead of its priority ahead, 24 hours wide."""
        return rest_of_window(self._ours(order), before.quoted if before else None, self.clock.now())

    def read(
        self,
        request_ids: Sequence[str],
        candidates: Mapping[str, Candidate] | None = None,  # noqa: ARG002 # ICEYE has none
        known: Mapping[str, TaskingRequest] | None = None,
    ) -> Mapping[str, TaskingRequest]:
        """Read many tasks in the fewest calls: single ones, or pages of the list, whichever is fewer.

        One or two tasks are asked singly. Pages are read on as long as each brings two or more, or as long as those
        read are fewer than what is missing. What the pages do not show is asked singly before it counts as unknown.
        A scene costs a call for each task: it is asked for when the state changed, and near the imaging.

        Returns:
            By id; ids that ICEYE does not know are absent.
        """
        many = ManyById[Task](request_ids, lambda task: task.id, PAGE)
        with suppress(UnexpectedAnswer):  # a list that cannot be read: each is asked then
            many.read_pages((page, None) for page in self._listed())
        found = many.read_singly(self.client.task)
        before = known or {}
        return {key: self._request(task, before.get(key)) for key, task in found.items()}

    def _listed(self) -> Iterator[list[ListedTask]]:
        """All tasks page by page, by ICEYE's own page length should it refuse ours."""
        try:
            yield from self.client.tasks()
        except (CredentialsRefused, NotFound):
            raise
        except Refused:
            yield from self.client.tasks(limit=None)

    def _request(self, task: Task, known: TaskingRequest | None = None) -> TaskingRequest:
        now = self.clock.now()
        asked = known is None or scene_is_due(task, known, self.settings, now)
        if known is not None and known.details.get(DELIVERIES) and known.provider_status != task.status:
            task = self._whole(task)  # the list does not tell of the customer's own deliveries
        return request_of(task, self._scene(task) if asked else None, self.settings, now, known, asked=asked)

    def _whole(self, task: Task) -> Task:
        try:
            return self.client.task(task.id)
        except CredentialsRefused:
            raise
        except (Refused, UnexpectedAnswer):
            return task

    def _scene(self, task: Task) -> Scene | None:
        """The task's scene, in a state that has one; missing all the same it is no error, the state may just change."""
        if task.status not in WITH_SCENE:
            return None
        try:
            return self.client.scene(task.id)
        except CredentialsRefused:
            raise
        except (Refused, UnexpectedAnswer):
            return None

    # what comes of it ------------------------------------------------------------------------------------------------

    def products(self, request: TaskingRequest) -> list[dict[str, Any]]:
        """STAC items (JSON) of all products there are, addresses absolute and fresh; see `tasking.iceye.products`.

        Raises:
            UnexpectedAnswer: ICEYE says that all products are there, and a file or an ordered type is not.
        """
        if not request.capture_ids:
            return Items()
        try:
            found = products_of(self.client, request)
        except Incomplete as some:
            self.downloads.listed(some.items)
            raise
        self.downloads.listed(found)
        return found

    def _fresh_address(self, item: dict[str, Any], key: str, refused: str) -> str | None:  # noqa: ARG002
        return fresh_address(self.client, item, key)

    # cancellation ----------------------------------------------------------------------------------------------------

    def cancel_terms(self, request_id: str) -> CancelTerms:
        """What a cancel would mean now, by ICEYE's published policy; nothing is cancelled."""
        task = self.client.task(request_id)
        scene = self._scene(task) if task.status in CANCELLABLE else None
        return cancel_terms_of(task, scene, self.clock.now())

    def cancel(self, request_id: str) -> TaskingRequest:
        """Cancel the task. One PATCH; after an unclear answer or a refusal the task is read.

        Raises:
            Refused: It is too late; says where the task stands.
            Uncertain: It was sent, and the task is not canceled (yet): look again, or cancel again.
            Unavailable: It was not sent.
        """
        problem: ProviderError
        try:
            task = self.client.cancel_task(request_id)
            if task.status == CANCELED and task.id == request_id:
                return self._request(task)
            message = f"sent, and the task is {task.status} by the answer"
            problem = self.client.error(Uncertain, message, "cancel task", provider_id=request_id)
        except NotFound:
            raise
        except (Refused, Uncertain) as error:
            problem = error
        if isinstance(problem, CredentialsRefused):
            raise problem
        task = self.client.task(request_id)
        if task.status == CANCELED:
            return self._request(task)
        problem.message += f"; the task is {task.status}"
        raise problem

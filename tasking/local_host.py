"""Orders without Prefect: in a notebook, in a script, in tests."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from tasking import lifecycle
from tasking.approval import Answer, Question
from tasking.clock import utc_now
from tasking.errors import InvalidOrder
from tasking.lifecycle import Installed, OrderSession, Runs
from tasking.order import Order
from tasking.order_run import Host, Step, perform
from tasking.study import Study


class Parked(BaseException):  # nothing on its way out takes it for an error
    """The order waits: call `tasking.order_run.run_order` again with the same run id once it is time.

    Attributes:
        until: Our time, aware.
        message: What is waited for.
    """

    def __init__(self, until: datetime, message: str) -> None:
        super().__init__(message)
        self.until, self.message = until, message


class LocalHost(Host):
    """Carries out an order in this process. A wait raises `Parked`.

    Give it a ledger of its own. A watcher that looks at the same one knows nothing of this run, and starts another for
    its order.

    Example:
        ```python
        run_id = uuid4()  # keep it: the next call is for the same order
        try:
            print(run_order(LocalHost(installed, run_id, runs), AxelGlobeOrder, order).message)
        except Parked as wait:
            print(wait.until, wait.message)
        ```

    Args:
        installed: Opens the ledger, accounts and archives.
        run_id: One for each order: what this run claims is its own.
        runs: What is known of other runs: whether the owner of a reference can still go on.
        decide: Asked where an order is to be approved. It answers, or gives ``None`` for not yet: then `Parked` is
            raised. Without it such orders are refused.
        scheduled: When the order was to begin, for what is relative in it; now when absent.

    Attributes:
        study: What a dry run has come to.
    """

    study: Study | None = None

    def __init__(
        self,
        installed: Installed,
        run_id: UUID,
        runs: Runs,
        decide: Callable[[Question], Answer | None] | None = None,
        scheduled: datetime | None = None,
    ) -> None:
        self.run_id, self.log = str(run_id), logging.getLogger("tasking.order")
        self.scheduled = scheduled or utc_now()
        self.installed, self._runs, self._decide = installed, runs, decide

    def accept(self, session: OrderSession) -> None:
        """Check the order and own its reference."""
        lifecycle.accept(session, self._runs)

    def ask(self, session: OrderSession) -> None:
        """Ask `decide`; without an answer the order waits, at the longest until the time to answer is over."""
        if self._decide is None:
            raise _nobody()
        question = lifecycle.open_question(session)
        if question is not None and lifecycle.is_unanswered(session, question):
            return
        question = question or lifecycle.ask(session)
        if question is None:
            return
        answer = self._decide(question)
        if answer is None:
            lifecycle.wait_for_answer(session, question)
            raise Parked(question.deadline, question.text)
        lifecycle.take(session, question, answer)

    def perform(self, session: OrderSession, action: Step) -> None:
        """Carry out the step."""
        perform(session, action)

    def park(self, until: datetime, message: str) -> None:
        """End this start."""
        raise Parked(until, message)

    def begins(self, order: Order, reference: str) -> None:  # noqa: ARG002
        """Refuse what asks a person where nobody answers; raises `InvalidOrder`."""
        if order.require_approval and self._decide is None and not order.dry_run:
            raise _nobody()

    def show(self, reference: str) -> None:
        """Nothing is shown: the ledger has it all."""

    def studied(self, study: Study) -> None:
        """Keep it."""
        self.study = study

    def is_away(self, error: Exception) -> bool:  # noqa: ARG002
        """Nothing stands between this process and the order."""
        return False

    def is_gone(self, error: Exception) -> bool:  # noqa: ARG002
        """This process itself is the run."""
        return False


def _nobody() -> InvalidOrder:
    return InvalidOrder(
        "require_approval", True, "nobody can be asked here; give a function that decides, or start it in Prefect"
    )

"""One part of an order that goes to several accounts: an order of its own, inside the run of the whole."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from tasking.clock import utc_now
from tasking.ledger import OrderRecord
from tasking.lifecycle import OrderSession, actions
from tasking.lifecycle.actions import Action, Amend, Choose, End, ListCandidates, Plan
from tasking.local_host import Parked
from tasking.order import Order
from tasking.order_run import Host, OrderRun, Step
from tasking.status import StatusCode
from tasking.study import Study
from tasking.waiting import Wait


class PartRun(OrderRun):
    """One part: it orders what it was started for, or nothing.

    Attributes:
        now: The provider's time when it was known last.
    """

    def __init__(self, host: Host, session: OrderSession) -> None:
        super().__init__(host, session)
        self.now: datetime = utc_now()

    def carry_out(self, action: Action, decided_by: OrderRecord) -> None:
        """Carry it out; instead of choosing anew the part ends, and it is chosen over all accounts."""
        may_be_bought = decided_by.in_doubt or decided_by.requests
        if (why := _is_lost(action)) is not None and not may_be_bought:
            action = actions.Close(End(StatusCode.EXPIRED, why))
        super().carry_out(action, decided_by)

    def _wait(self, wait: Wait) -> None:
        with suppress(Exception):  # an account that cannot be opened has its own words
            self.now = self._session.provider.clock.now()
        super()._wait(wait)


def _is_lost(action: Action) -> str | None:
    """Why what a part was started for cannot be ordered any more; ``None`` while it can."""
    if isinstance(action, Amend) and action.event == "candidate dropped":
        return action.message
    if isinstance(action, Plan | ListCandidates | Choose):
        return "What was chosen for it can be ordered no more"
    return None


class PartHost(Host):
    """The run, as it carries out one of several orders: a wait of one keeps no other waiting.

    Args:
        host: The run.
        shows: What happens to the order is shown on the run's page.

    Attributes:
        listed: References of the orders whose candidates were listed.
    """

    def __init__(self, host: Host, *, shows: bool = True) -> None:
        self._host, self._shows = host, shows
        self.run_id, self.scheduled, self.log, self.installed = host.run_id, host.scheduled, host.log, host.installed
        self.listed: set[str] = set()

    def accept(self, session: OrderSession) -> None:
        """As the run does."""
        self._host.accept(session)

    def ask(self, session: OrderSession) -> None:
        """As the run does."""
        self._host.ask(session)

    def perform(self, session: OrderSession, action: Step) -> None:
        """As the run does."""
        self._host.perform(session, action)
        if isinstance(action, ListCandidates) and session.seen.listed is not None:
            self.listed.add(session.reference)

    def park(self, until: datetime, message: str) -> None:
        """End this order's turn; the run waits once all have had theirs."""
        raise Parked(until, message)

    def begins(self, order: Order, reference: str) -> None:
        """The run is of the whole order."""

    def show(self, reference: str) -> None:
        """Show it beside the whole order."""
        if self._shows:
            self._host.show(reference)

    def studied(self, study: Study) -> None:
        """The studies are shown together."""

    def is_away(self, error: Exception) -> bool:
        """As the run says."""
        return self._host.is_away(error)

    def is_gone(self, error: Exception) -> bool:
        """As the run says."""
        return self._host.is_gone(error)

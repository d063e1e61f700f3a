"""What several accounts could bring, in one ranked table; nothing is ordered, and no create costs anything.

Each order is studied as a dry run: its plan is made and awaited, its quote asked for, as `tasking.lifecycle` decides.
It stops where an order would choose. Nothing here knows Prefect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasking import lifecycle
from tasking.errors import LedgerUnavailable, OrderEnded, TaskingError
from tasking.ledger import OrderRecord
from tasking.lifecycle import OrderSession
from tasking.lifecycle.actions import Ask, Choose, Close, End, Request
from tasking.local_host import Parked
from tasking.order import Order
from tasking.order_run import MOST_STEPS, Host, OrderRun, dry_run_of
from tasking.status import OrderStatus, StatusCode
from tasking.study import Option, Study, row, study_of
from tasking.waiting import Wait


class Exploration(BaseModel):
    """What all given orders could bring, compared.

    Attributes:
        studies: One for each order, as they were given.
    """

    model_config = ConfigDict(frozen=True)

    studies: tuple[Study, ...]

    @property
    def options(self) -> list[Option]:
        """All there is at all accounts in one list, the best first; see `compared`."""
        return compared([one for study in self.studies for one in study.options])

    @property
    def best(self) -> Option | None:
        """What is best of all that could be ordered; ``None`` for nothing."""
        return next((one for one in self.options if one.usable), None)

    @property
    def wait(self) -> Wait | None:
        """The first of what has to be waited for; ``None`` when all studies are complete."""
        waits = [f"{study.account}: {study.wait.message}" for study in self.studies if study.wait is not None]
        first = min((one.wait for one in self.studies if one.wait is not None), key=lambda one: one.until, default=None)
        return first and first.model_copy(update={"message": "; ".join(waits)})

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "options": [row(one) for one in self.options],
            "studies": [one.model_dump(mode="json") for one in self.studies],
        }


def compared(options: Sequence[Option]) -> list[Option]:
    """Options of any accounts in one order, the best first; the same ones in any order give the same list.

    What can be used comes first, by the score that its own order gives it: the orders should choose by the same
    ``select``. Of equal ones the one that is taken sooner, then the cheaper one of one currency, then by account.
    """
    return sorted(
        options,
        key=lambda one: (
            not one.usable,
            -one.score,
            one.taken_by,
            one.currency or "~",
            one.price if one.price is not None else float("inf"),
            one.account,
            one.reference,
            one.candidate.id,
        ),
    )


def explore(host: Host, orders: Sequence[Order], part_of: str | None = None) -> Exploration:
    """Study each order as far as it goes now.

    Called again with the same host's run, it goes on: no plan is made twice. Whoever has looked at a complete one calls
    `finish`.

    Args:
        host: Where it runs. Its `tasking.order_run.Host.park` raises `Parked`.
        orders: Each says its account; several may be for one.
        part_of: The order that they are studied for.

    Raises:
        LedgerUnavailable: Nothing can be studied without it.
    """
    dry = [dry_run_of(order, host.run_id, number) for number, order in enumerate(orders, 1)]
    return Exploration(studies=tuple(_studied(host, one, part_of) for one in dry))


def finish(host: Host, exploration: Exploration) -> None:
    """The studies are done with: write down what each came to."""
    with host.installed.ledger() as ledger:
        for study in exploration.studies:
            if study.wait is not None:  # it has come to nothing yet
                continue
            record = ledger.find(study.reference)
            if record is None or record.ended is not None or record.flow_run_id != host.run_id:
                continue
            detail = study.model_dump(mode="json")
            ledger.record(study.reference, "dry run", study.outcome, detail=detail)
            ending = lifecycle.ending(ledger, _status(study), study.outcome)
            ledger.record(study.reference, ending.happened, ending.message, **ending.fields)


def _status(study: Study) -> str:
    return OrderStatus.DRY_RUN if study.studied_at is not None else StatusCode.FAILED


def _studied(host: Host, order: Order, part_of: str | None) -> Study:
    assert order.reference is not None, "a dry run has one"
    session = OrderSession(host.installed, order, order.reference, host.run_id, part_of)
    nothing = Study(reference=order.reference, name=order.name, provider=order.provider, account=order.account)
    try:
        return _to_the_choice(OrderRun(host, session), session)
    except Parked as parked:
        wait = Wait(until=parked.until, waits_for="candidates", message=str(parked))
        return nothing.model_copy(update={"wait": wait})
    except LedgerUnavailable:
        raise
    except (OrderEnded, TaskingError) as error:
        return nothing.model_copy(update={"outcome": f"Nothing would be ordered: {error}", "refused": True})
    finally:
        session.close()


def _to_the_choice(run: OrderRun, session: OrderSession) -> Study:
    run.accept()
    for _ in range(MOST_STEPS):
        record = session.record()
        if record.ended is not None:
            return _ended(session, record)
        action = lifecycle.next_action(session.state(record))
        if isinstance(action, Choose | Ask | Request):
            return _complete(session, record)
        if isinstance(action, Close):
            return study_of(session, record, action.end)
        run.carry_out(action, record)
    raise RuntimeError(f"{MOST_STEPS} steps without a wait; the last is {type(action).__name__}")


def _complete(session: OrderSession, record: OrderRecord) -> Study:
    study = study_of(session, record)
    usable = sum(one.usable for one in study.options)
    return study.model_copy(update={"outcome": f"{usable} of {len(study.options)} options could be ordered"})


def _ended(session: OrderSession, record: OrderRecord) -> Study:
    """It was ended meanwhile: by a person who cancelled it, say."""
    return study_of(session, record, End(record.status or StatusCode.FAILED, record.outcome or ""))

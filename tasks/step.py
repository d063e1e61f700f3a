"""What all steps share: their retries, and the installation they find in the blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from blocks.account import load_account
from blocks.image_archive import load_archive
from blocks.order_ledger import load_ledger
from tasking.errors import TaskingError
from tasking.ledger import Ledger
from tasking.lifecycle.session import Archive, Installed
from tasking.provider import Provider

P = ParamSpec("P")
R = TypeVar("R")


def _worth_a_retry(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retries are for what may pass by itself; a refusal stays one."""
    try:
        state.result()
    except TaskingError as error:
        return error.retryable
    except Exception:  # a mistake of ours does not go away either
        return False
    return False


def step(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A task that is one step of an order.

    Results are neither stored nor reused: what happened is read from the ledger or the provider, each time. What a
    Prefect setting could change is said here, as for flows in `flows.pinned`.
    """

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        return task(
            name=name,
            persist_result=False,
            result_serializer="json",
            cache_policy=NO_CACHE,
            refresh_cache=False,
            log_prints=False,
            retries=1,
            retry_delay_seconds=2,
            retry_condition_fn=_worth_a_retry,
        )(function)

    return decorate


@contextmanager
def ledger() -> Iterator[Ledger]:
    """The installation's ledger, closed afterwards."""
    with closing(load_ledger()) as opened:
        yield opened


class _Blocks:
    """The installation that the blocks of Prefect's server describe."""

    def ledger(self) -> AbstractContextManager[Ledger]:
        return ledger()

    def provider(self, account: str) -> AbstractContextManager[Provider]:
        return closing(load_account(account).open())

    def archive(self, name: str) -> Archive:
        return load_archive(name)


BLOCKS: Installed = _Blocks()

"""What our flows are, whatever a Prefect profile, an environment variable or the server has set as a default."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect import flow
from prefect.filesystems import WritableFileSystem
from prefect.flows import Flow

P = ParamSpec("P")
R = TypeVar("R")


class Nowhere(WritableFileSystem):
    """Where results of our flows are kept: nowhere. What happened is read from the ledger or the provider, each time.

    With a place that is set from outside a run would need it: one without its block, or its package, could not start.
    """

    _block_type_slug = "nowhere"

    async def read_path(self, path: str) -> bytes:
        """There is nothing to read."""
        raise ValueError(f"{path}: the results of these flows are not kept")

    async def write_path(self, path: str, content: bytes) -> None:
        """Keep nothing: not the text of an exception either."""


def pinned(
    name: str, *, flow_run_name: Callable[[], str], validate_parameters: bool = True
) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """A flow whose runs live as they were written; docs/decisions/0006-settings.md has what cannot be set from outside.

    Args:
        name: The flow's.
        flow_run_name: Makes the name of a run.
        validate_parameters: Whether Prefect checks the parameters.
    """

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        made: Flow[P, R] = flow(
            name=name,
            flow_run_name=flow_run_name,
            validate_parameters=validate_parameters,
            retries=0,  # Prefect strands a run that is parked after it was tried again
            retry_delay_seconds=0,
            persist_result=False,
            result_serializer="json",
            log_prints=False,
        )(function)
        made.result_storage = Nowhere()  # the decorator takes only what is saved on a server
        return made

    return decorate

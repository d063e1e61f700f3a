"""What every provider's block has in common: it opens the provider."""

from __future__ import annotations

from abc import abstractmethod

from prefect.blocks.core import Block
from prefect.context import FlowRunContext

from tasking.errors import InvalidOrder
from tasking.provider import Provider


class Account(Block):
    """A provider account: credentials and settings."""

    _block_type_name = "Tasking account (abstract)"
    _block_type_slug = "tasking-account"

    @abstractmethod
    def open(self) -> Provider:
        """The provider, ready to be asked; close it after use."""


def load_account(name: str) -> Account:
    """The account block named ``type/name``.

    Raises:
        InvalidOrder: There is no such block, or it is not an account.
    """
    block = load_block("account", name)
    if not isinstance(block, Account):
        raise InvalidOrder("account", name, "is not a provider account; name a block such as axelglobe-tasking/default")
    return block


def load_block(field: str, name: str) -> Block:
    """The block named ``type/name``, read once in each start of a flow run.

    A missing one is said as the field that names it.

    Raises:
        InvalidOrder: There is no such block.
    """
    kind, _, which = name.partition("/")
    read = _read_by_this_start()
    if name in read:
        return read[name]
    try:
        block = Block.load(name)
    except ValueError:
        raise InvalidOrder(
            field,
            name,
            f"there is no such block: make a block of type {kind} named {which} in the Prefect UI under Blocks",
        ) from None
    assert isinstance(block, Block)
    read[name] = block
    return block


_last_start: tuple[object, dict[str, Block]] = (None, {})


def _read_by_this_start() -> dict[str, Block]:
    """The blocks that were read since this flow run was started last; outside of a flow run always none.

    A run has a dozen steps and all need the same three blocks: reading them once spares the server most of its calls.
    Whoever changes a block sees it used at the run's next start, which is after its next wait.
    """
    global _last_start
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return {}
    start = (context.flow_run.id, context.start_time)
    if _last_start[0] != start:
        _last_start = (start, {})
    return _last_start[1]

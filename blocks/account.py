"""What every provider's block has in common: it opens the provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from prefect.blocks.core import Block
from prefect.context import FlowRunContext
from prefect.settings import get_current_settings
from pydantic import ValidationError

from tasking.errors import InvalidOrder
from tasking.order import Order
from tasking.provider import Provider


class Account(Block, ABC):
    """A provider account: credentials and settings. Prefect registers no class that names ``ABC`` itself."""

    _block_type_name = "Tasking account (abstract)"
    _block_type_slug = "tasking-account"

    @classmethod
    @abstractmethod
    def order_kind(cls) -> type[Order]:
        """The provider's kind of order."""

    @abstractmethod
    def open(self) -> Provider:
        """The provider, ready to be asked; close it after use."""


def providers() -> list[str]:
    """Names of the providers there are: what the type of each account block begins with, before ``-tasking``."""
    return sorted(one.get_block_type_slug().removesuffix("-tasking") for one in Account.__subclasses__())


def order_kinds() -> dict[str, type[Order]]:
    """The kind of order of each provider there is, by its name."""
    kinds = {one.get_block_type_slug().removesuffix("-tasking"): one.order_kind() for one in Account.__subclasses__()}
    return dict(sorted(kinds.items()))


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

    A missing one, or one that cannot be used, is said as the field that names it.

    Raises:
        InvalidOrder: There is no such block, or a field of it is wrong; no value of a field is shown.
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
            f"there is no such block on {_server()}: make a block of type {kind} named {which} in its UI under Blocks",
        ) from None
    except RuntimeError as error:
        if not isinstance(error.__cause__, ValidationError):
            raise
        wrong = "; ".join(_plain(detail) for detail in error.__cause__.errors(include_input=False, include_url=False))
        raise InvalidOrder(
            field, name, f"this block cannot be used: {wrong}; change it in the Prefect UI under Blocks"
        ) from None
    assert isinstance(block, Block)
    read[name] = block
    return block


def _server() -> str:
    address = get_current_settings().api.url
    return f"the Prefect server {address}" if address else "the server of this process (PREFECT_API_URL is not set)"


def _plain(detail: Any) -> str:
    """What is wrong with one field, in our own words where we have some."""
    ours = detail.get("ctx", {}).get("error")
    if isinstance(ours, InvalidOrder):
        return str(ours)
    return f"{'.'.join(str(part) for part in detail['loc']) or 'block'}: {detail['msg']}"


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

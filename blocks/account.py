"""What every provider's block has in common: it opens the provider."""

from __future__ import annotations

from abc import abstractmethod

from prefect.blocks.core import Block

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
    """The block named ``type/name``; a missing one is said as the field that names it.

    Raises:
        InvalidOrder: There is no such block.
    """
    kind, _, which = name.partition("/")
    try:
        block = Block.load(name)
    except ValueError:
        raise InvalidOrder(
            field,
            name,
            f"there is no such block: make a block of type {kind} named {which} in the Prefect UI under Blocks",
        ) from None
    assert isinstance(block, Block)
    return block

"""Where the truth about orders is kept."""

from __future__ import annotations

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, HttpUrl, SecretStr, field_validator

from blocks.account import load_block
from tasking.errors import InvalidOrder, LedgerUnavailable, OtherEnvironment
from tasking.ledger import Ledger, open_ledger
from tasking.ledger.address import ledger_address
from tasking.paths import state_dir


def _file_at_home() -> SecretStr:
    return SecretStr(f"sqlite:///{state_dir() / 'ledger.sqlite'}")


class OrderLedger(Block):
    """The database that holds every order and what happened to it.

    Example:
        ```python
        from blocks.order_ledger import OrderLedger

        ledger = OrderLedger.load("BLOCK_NAME").open()
        print(ledger.orders())
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # a refused address may hold a password

    _block_type_name = "Order ledger"
    _block_type_slug = "order-ledger"
    _documentation_url: ClassVar[HttpUrl] = HttpUrl("https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls")
    _description = (
        "The database that holds every satellite tasking order, what it waits for and what happened to it. "
        "It is what keeps an order from being placed twice. Make one block, and name it default."
    )

    url: SecretStr = Field(
        default_factory=_file_at_home,
        title="Database URL",
        description=(
            "sqlite:////folder/ledger.sqlite (the whole path: four slashes) for one machine, "
            "postgresql+psycopg://user:password@host/database for several. When left empty: ledger.sqlite in "
            "TASKING_FLOWS_HOME (else ~/.tasking-flows) of whoever reads the block; write the address out where "
            "several users run orders: two ledgers do not see each other."
        ),
    )

    @field_validator("url")
    @classmethod
    def _is_a_database(cls, value: SecretStr) -> SecretStr:
        ledger_address(value.get_secret_value())
        return value

    def open(self) -> Ledger:
        """The ledger; its tables are made when absent. Close it after use."""
        return open_ledger(self.url.get_secret_value())


LEDGER_NAME = "order-ledger/default"
"""The one ledger of an installation: two would not see each other's references."""


def load_ledger() -> Ledger:
    """The installation's ledger.

    Raises:
        LedgerUnavailable: The ledger does not answer, or the block ``order-ledger/default`` is missing or cannot be
            used here. That is never about an order: it waits until the block is mended.
    """
    try:
        block = load_block("ledger", LEDGER_NAME)
        assert isinstance(block, OrderLedger)
        return block.open()
    except (
        InvalidOrder,
        OtherEnvironment,
        ValueError,
        ImportError,  # no driver for Postgres on this worker
        PermissionError,  # the folder at home is another user's
    ) as error:
        raise LedgerUnavailable(str(error)) from None

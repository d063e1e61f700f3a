"""An Oriole account."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, HttpUrl

from blocks.account import Account
from tests.support.oriole.order import OrioleOrder
from tests.support.oriole.provider import Oriole
from tests.support.oriole.settings import OrioleSettings


class OrioleTasking(Account, OrioleSettings):
    """Credentials and settings of one Oriole account.

    The fields are those of `tests.support.oriole.settings.OrioleSettings`.

    Example:
        ```python
        from tests.support.oriole.block import OrioleTasking

        account = OrioleTasking.load("BLOCK_NAME")
        provider = account.open()
        ```
    """

    # a block is Prefect's to fill and to extend; the settings it hands on are frozen and checked again
    model_config = ConfigDict(frozen=False, extra="allow", hide_input_in_errors=True, title="Oriole tasking")

    _block_type_name = "Oriole tasking"
    _block_type_slug = "oriole-tasking"
    _documentation_url: ClassVar[HttpUrl] = HttpUrl("https://oriole.example/")
    _description = (
        "An Oriole account: the client id and secret that Oriole gave you. Orders name it as oriole-tasking/<name>."
    )

    @classmethod
    def order_kind(cls) -> type[OrioleOrder]:
        """An order to this provider."""
        return OrioleOrder

    def settings(self) -> OrioleSettings:
        """The settings alone."""
        return OrioleSettings(**{name: getattr(self, name) for name in OrioleSettings.model_fields})

    def open(self) -> Oriole:
        """The provider, ready to be asked; close it after use."""
        return Oriole(self.settings())

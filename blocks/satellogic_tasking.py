"""A Satellogic account."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, HttpUrl

from blocks.account import Account
from tasking.satellogic import Satellogic, SatellogicOrder, SatellogicSettings


class SatellogicTasking(Account, SatellogicSettings):
    """Credentials, contract and settings of one Satellogic account (the Aleph platform).

    The fields are those of `tasking.satellogic.SatellogicSettings`.

    Example:
        ```python
        from blocks.satellogic_tasking import SatellogicTasking

        account = SatellogicTasking.load("BLOCK_NAME")
        provider = account.open()
        ```
    """

    # a block is Prefect's to fill and to extend; the settings it hands on are frozen and checked again
    model_config = ConfigDict(frozen=False, extra="allow", hide_input_in_errors=True, title="Satellogic tasking")

    _block_type_name = "Satellogic tasking"
    _block_type_slug = "satellogic-tasking"
    _documentation_url: ClassVar[HttpUrl] = HttpUrl("https://developers.satellogic.com/")
    _description = (
        "A Satellogic account: the client id and secret, and the contract that orders are placed under. "
        "Orders name it as satellogic-tasking/<name>."
    )

    @classmethod
    def order_kind(cls) -> type[SatellogicOrder]:
        """An order to this provider."""
        return SatellogicOrder

    def settings(self) -> SatellogicSettings:
        """The settings alone."""
        return SatellogicSettings(**{name: getattr(self, name) for name in SatellogicSettings.model_fields})

    def open(self) -> Satellogic:
        """The provider, ready to be asked; close it after use."""
        return Satellogic(self.settings())

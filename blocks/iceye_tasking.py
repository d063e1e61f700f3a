"""An ICEYE account."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, HttpUrl

from blocks.account import Account
from tasking.iceye import Iceye, IceyeOrder, IceyeSettings


class IceyeTasking(Account, IceyeSettings):
    """Credentials and settings of one ICEYE account (radar satellites).

    The fields are those of `tasking.iceye.IceyeSettings`.

    Example:
        ```python
        from blocks.iceye_tasking import IceyeTasking

        account = IceyeTasking.load("BLOCK_NAME")
        provider = account.open()
        ```
    """

    # a block is Prefect's to fill and to extend; the settings it hands on are frozen and checked again
    model_config = ConfigDict(frozen=False, extra="allow", hide_input_in_errors=True, title="ICEYE tasking")

    _block_type_name = "ICEYE tasking"
    _block_type_slug = "iceye-tasking"
    _documentation_url: ClassVar[HttpUrl] = HttpUrl("https://docs.iceye.com/constellation/api/")
    _description = (
        "An ICEYE account: the client id and secret, and the token address, that ICEYE gave you. "
        "Orders name it as iceye-tasking/<name>."
    )

    @classmethod
    def order_kind(cls) -> type[IceyeOrder]:
        """An order to this provider."""
        return IceyeOrder

    def settings(self) -> IceyeSettings:
        """The settings alone."""
        return IceyeSettings(**{name: getattr(self, name) for name in IceyeSettings.model_fields})

    def open(self) -> Iceye:
        """The provider, ready to be asked; close it after use."""
        return Iceye(self.settings())

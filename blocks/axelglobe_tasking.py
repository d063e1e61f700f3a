"""An AxelGlobe account."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, HttpUrl

from blocks.account import Account
from tasking.axelglobe import AxelGlobe, AxelGlobeOrder, AxelGlobeSettings


class AxelGlobeTasking(Account, AxelGlobeSettings):
    """Credentials and settings of one AxelGlobe account (Axelspace's GRUS satellites).

    The fields are those of `tasking.axelglobe.AxelGlobeSettings`.

    Example:
        ```python
        from blocks.axelglobe_tasking import AxelGlobeTasking

        account = AxelGlobeTasking.load("BLOCK_NAME")
        provider = account.open()
        ```
    """

    # a block is Prefect's to fill and to extend; the settings it hands on are frozen and checked again
    model_config = ConfigDict(frozen=False, extra="allow", hide_input_in_errors=True, title="AxelGlobe tasking")

    _block_type_name = "AxelGlobe tasking"
    _block_type_slug = "axelglobe-tasking"
    _documentation_url: ClassVar[HttpUrl] = HttpUrl("https://docs.axelglobe.com/")
    _description = (
        "An AxelGlobe account: the client id and secret that Axelspace gave you, and the addresses of its API. "
        "Orders name it as axelglobe-tasking/<name>."
    )

    @classmethod
    def order_kind(cls) -> type[AxelGlobeOrder]:
        """An order to this provider."""
        return AxelGlobeOrder

    def settings(self) -> AxelGlobeSettings:
        """The settings alone."""
        return AxelGlobeSettings(**{name: getattr(self, name) for name in AxelGlobeSettings.model_fields})

    def open(self) -> AxelGlobe:
        """The provider, ready to be asked; close it after use."""
        return AxelGlobe(self.settings())

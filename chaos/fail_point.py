"""Points in an order's life at which something can happen to it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["provider", "prefect", "ledger", "disk", "process"]

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d[\w.=+%-]*|[\w-]*\d{4,}[\w.=+%-]*|[\w+%-]{20,}=*", re.IGNORECASE)


class FailPoint(BaseModel):
    """One point: the ``nth`` time (from 1) that an order does this, counted over all its processes.

    Attributes:
        kind: Whom it speaks to: the provider, Prefect's API, the ledger, the disk of the archive; or where its own
            process stands between two of these: ``request announced``, ``request made``.
        what: What it does there, without ids: ``POST /oauth/token``, ``request intended``, ``rename *.tif``.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    what: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.kind}: {self.what} #{self.nth}"


def path_pattern(path: str) -> str:
    """A path with its ids replaced, so that the same call of two orders has one name."""
    return "/".join("*" if _ID.fullmatch(part) else part for part in path.split("/"))


def file_pattern(path: str) -> str:
    """A file's name without what differs between orders: ``*.tif.part``, ``catalog.json``."""
    name = path.rpartition("/")[2].lstrip(".")
    if name.startswith("catalog.json"):
        return re.sub(r"(catalog\.json).*", r"\1", name)
    return "*" + "".join(re.findall(r"\.(?:json|tif|png|jpg|zip|part|xml|txt|new|receipt|lock)\b", name))

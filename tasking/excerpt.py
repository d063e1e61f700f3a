"""A provider's words are cut where they come in: a status of 20 MB must not reach logs, states and the ledger.

Never for what is sent back or compared as a whole (ids, addresses, cursors): those are refused when they are too long.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from tasking.plain_text import printable

MOST = 200
"""Characters that are kept of a provider's word or note."""


def excerpt(text: str, most: int = MOST) -> str:
    """The text, or its beginning with a mark that more was said; nothing in it is obeyed or hidden when it is shown."""
    text = printable(text[: 4 * most])
    return text if len(text) <= most else text[: most - 1] + "…"


Excerpt = Annotated[str, AfterValidator(excerpt)]
"""A text out of a provider's answer that is shown to people, at most `MOST` characters."""
Note = Annotated[str, AfterValidator(lambda text: excerpt(text, 4 * MOST))]
"""A sentence of ours that holds several such texts."""

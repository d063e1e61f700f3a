"""How single words of an ICEYE order are read: open strings in ICEYE's spelling, and ids."""

from __future__ import annotations

import uuid

from tasking.errors import InvalidOrder

MOST = 60


def word(field: str, value: object, example: str) -> object:
    """An open word of ICEYE's in upper case; an empty one is none.

    Which words there are, the contract says. A form sends an empty text for a field that was left alone.

    Raises:
        InvalidOrder: Too long, or not one line.
    """
    if not isinstance(value, str):
        return value
    text = value.strip().upper()
    if not text:
        return None
    if len(text) > MOST or not text.isprintable() or " " in text:
        raise InvalidOrder(field, value, f"give one word of ICEYE's, e.g. {example}, or leave it out")
    return text


def identifier(field: str, value: object, what: str) -> object:
    """An id of ICEYE's: a UUID in its usual form; an empty text is none.

    Raises:
        InvalidOrder: It is no UUID.
    """
    if isinstance(value, uuid.UUID):
        return str(value)
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidOrder(
            field, value, f"give the id of {what} as ICEYE shows it, e.g. 46ec5793-3b29-4fff-90e5-360fae4be57d"
        ) from None


def contract_id(value: object) -> object:
    """The id of a contract, or ``None``."""
    return identifier("contract_id", value, "a contract")

"""Numbers in answers: those that nothing can count with are refused, but in the metadata of files they are nothing."""

from __future__ import annotations

import re
import sys
from typing import Any

import pydantic_core

_MAYBE_ODD = re.compile(rb"[0-9]{300}|[eE]\+?[0-9]{3}|NaN|Infinity")
_LISTS_OF_ITEMS = ("features", "data")


def read_json(body: bytes) -> Any:
    """A JSON text, with its numbers fit to count with.

    NaN, infinities and numbers that no double holds are refused: nothing that counts with them would be safe. In STAC
    items (entries of a list that have assets) they are read as null: no file is kept back for an odd word about it.

    Raises:
        ValueError: It is no JSON, or it holds such a number.
    """
    data = pydantic_core.from_json(body, allow_inf_nan=True)
    if _MAYBE_ODD.search(body):
        if isinstance(data, dict):
            for name in _LISTS_OF_ITEMS:
                if isinstance(items := data.get(name), list):
                    data[name] = [_without_odd(one) if _is_item(one) else one for one in items]
        _refuse_odd(data)
    return data


def _is_item(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("assets"), dict)


def _is_odd(value: Any) -> bool:
    return isinstance(value, int | float) and not abs(value) <= sys.float_info.max


def _without_odd(whole: Any) -> Any:
    """The same with null for each odd number; changed in place, without recursion."""
    waiting = [whole]
    while waiting:
        value = waiting.pop()
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in list(pairs):
            if isinstance(each, dict | list):
                waiting.append(each)
            elif _is_odd(each):
                value[key] = None
    return whole


def _refuse_odd(data: Any) -> None:
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif _is_odd(value):
            raise ValueError("a number that is none, or too large")

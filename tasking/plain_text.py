"""Text from outside stays text, whatever shows it: one function for each medium.

A provider's words, a server's errors and names of files may hold what a terminal obeys (ESC, OSC 8, C1), what turns or
hides other letters (Unicode's overrides and isolates), and what a page makes a link, a picture or HTML of.
"""

from __future__ import annotations

import re
import unicodedata

_TURNS_OR_HIDES = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x2070), 0xFEFF)))
_BREAKS = frozenset("\n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_MARKUP = re.compile(r"[\\`*_\[\]<>|!#~&@$]|(?<=www)\.|:(?=//)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
_JOINER = "\u2060"
"""Stands unseen within an address. Prefect's page looks for bare ones after it has taken the backslashes away."""


def printable(text: str, *, lines: bool = False) -> str:
    """For a terminal, a log, a state: what is shown is what is written, and nothing else happens.

    Args:
        text: From anywhere.
        lines: Keep its line breaks; else they are spaces.
    """
    return "".join(letter if lines and letter == "\n" else _shown(letter) for letter in text)


def _shown(letter: str) -> str:
    if letter in _BREAKS:
        return " "
    if letter in _TURNS_OR_HIDES or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
        return "\ufffd"
    return letter


def markdown_text(text: str) -> str:
    """For a page that renders Markdown: no link, picture, bare address, HTML, heading or cell comes of it."""
    return _MARKUP.sub(r"\\\g<0>", _ADDRESS.sub(_JOINER, " ".join(printable(text).split())))

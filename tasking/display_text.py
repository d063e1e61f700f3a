"""One line of text that a person gave a thing: shown in lists, forms and catalogs, in any script of the world."""

from __future__ import annotations

import unicodedata

from tasking.errors import InvalidOrder

_REFUSED = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
_TURNS_TEXT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f")
"""Overrides, embeddings and isolates of direction: what is shown is not what is written."""
_HIDDEN = frozenset("\ufeff\ufff9\ufffa\ufffb\U000e0001")
_TAGS, _FLAG, _END_OF_TAGS = range(0xE0020, 0xE0080), "\U0001f3f4", "\U000e007f"
_SEEN = frozenset("LNPS")


def display_text(field: str, value: str, longest: int) -> str:
    """The text without spaces around it, else as it was written.

    Letters, marks, digits and signs of every script are taken, also the invisible ones that scripts need: the joiners
    of Persian, Hindi and emoji, the spaces of Japanese, Thai and Khmer, the direction marks of Arabic and Hebrew.

    Args:
        field: Name of the field, for the refusal.
        value: What was written.
        longest: Characters at most.

    Raises:
        InvalidOrder: Nothing to see, too long, several lines, or a character that hides or turns others.
    """
    text = value.strip().strip("\ufeff").strip()
    if not 1 <= len(text) <= longest:
        raise InvalidOrder(field, text or "(empty)", f"give 1 to {longest} characters; these are {len(text)}")
    for place, letter in enumerate(text):
        if _is_refused(text, place, letter):
            raise InvalidOrder(
                field, repr(text), f"use one line of printable characters; take out {named(letter)} at {place + 1}"
            )
    if not any(unicodedata.category(letter)[0] in _SEEN for letter in text):
        raise InvalidOrder(field, repr(text), "nothing of it can be seen; use letters or digits")
    return text


def one_spelling(text: str) -> str:
    """The text as it is compared: ``ü`` as one character, however it was typed (Unicode NFC)."""
    return unicodedata.normalize("NFC", text)


def named(letter: str) -> str:
    """A character as its number and name, for one that cannot be seen: ``U+202E (right-to-left override)``."""
    name = unicodedata.name(letter, "").lower()
    return f"U+{ord(letter):04X}" + (f" ({name})" if name else "")


def _is_refused(text: str, place: int, letter: str) -> bool:
    if letter in _TURNS_TEXT or letter in _HIDDEN or unicodedata.category(letter) in _REFUSED:
        return True
    if ord(letter) & 0xFFFE == 0xFFFE:  # no character, in any plane
        return True
    if ord(letter) not in _TAGS:
        return False
    before = text[:place].rstrip("".join(map(chr, _TAGS)))
    return not before.endswith(_FLAG) or _END_OF_TAGS not in text[place:]

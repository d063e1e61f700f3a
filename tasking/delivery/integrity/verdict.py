"""What a look at a file can end in, beside whole and damaged."""

from __future__ import annotations


class NotJudged(Exception):
    """The look does not tell whether the file is whole; the message says why, for a person."""

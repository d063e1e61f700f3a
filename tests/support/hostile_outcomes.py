"""What came of an order whose provider means harm."""

from __future__ import annotations

from functools import cache

from tests.support.hostile_stories import STORIES, Story


@cache
def told(name: str) -> Story:
    return STORIES[name]()

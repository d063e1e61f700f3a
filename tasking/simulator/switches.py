"""The rules the documents leave open, as settings that can be changed while the simulator runs.

Each switch says in its description whether its default is documented [doc], from a public page of the provider [pub] or
an assumption [inf]. Those marked (created) are read when a plan, a request or a token is made and kept with it, so a
later change never rewrites the past.
"""

from __future__ import annotations

import json
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tasking.simulator.store import Store

Lag = float | dict[str, float]


class Switches(BaseModel):
    """The switches that all providers have, with their defaults; each provider's own are in its folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date_header_skew_seconds: float = Field(0, description="[inf] added to the Date header only")
    list_lag_seconds: Lag = Field(
        0.0,
        description="[inf] lists show a new object this late; or by list: plans, requests, tasks, scenes, stac",
    )
    token_dies_after_seconds: int = Field(0, ge=0, description="[inf] ends tokens before expires_in; 0 = off (created)")
    rate_limit_per_minute: int = Field(0, ge=0, description="[inf] calls per client and real minute, then 429; 0 = off")
    list_order: Literal["newest", "oldest"] = Field("newest", description="[inf] order of what was made in lists")
    extra_fields: bool = Field(False, description="[inf] answers hold fields no document names")

    def lag(self, collection: str) -> float:
        """How late lists of a collection show a new object, simulated seconds."""
        if isinstance(self.list_lag_seconds, dict):
            return float(self.list_lag_seconds.get(collection, 0))
        return float(self.list_lag_seconds)


AnySwitches = TypeVar("AnySwitches", bound=BaseModel)


class SwitchBoard(Generic[AnySwitches]):
    """The switches as they stand now, kept in the store.

    Args:
        store: Where they are kept.
        model: The switches and their defaults.
        first: First values, by name; what the store already holds wins.
        name: One board from another: ``now`` is the shared one, a provider's own has the provider's name.
    """

    def __init__(
        self, store: Store, model: type[AnySwitches], first: dict[str, Any] | None = None, name: str = "now"
    ) -> None:
        self._store, self._model, self._name = store, model, name
        if store.get("switches", name) is None:
            self._save(model.model_validate(first or {}))
        self._now = model.model_validate(store.get("switches", name))

    def _save(self, switches: AnySwitches) -> None:
        self._store.put("switches", self._name, switches.model_dump(mode="json"))

    @property
    def now(self) -> AnySwitches:
        """The switches as they stand now."""
        return self._now

    def change(self, **changes: Any) -> AnySwitches:
        """Change some; raises `pydantic.ValidationError` for an unknown name or value, and then changes none."""
        with self._store.lock:
            switches = self._model.model_validate({**self._now.model_dump(), **changes})
            self._save(switches)
            self._now = switches
        return switches


def read_switch(text: str) -> tuple[str, Any]:
    """``name=value`` as typed on a command line; the value is JSON where it can be read as JSON, else text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not name=value")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value

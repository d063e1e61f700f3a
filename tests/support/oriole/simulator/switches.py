"""Oriole's own switches."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class OrioleSwitches(BaseModel):
    """All of Oriole's switches with their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    planned_seconds: float = Field(600, ge=0, description="[inf] order to planned (created)")
    taken_seconds: float = Field(86400, ge=0, description="[inf] the window's begin to the capture (created)")
    delivered_seconds: float = Field(3600, ge=0, description="[inf] capture to delivery (created)")

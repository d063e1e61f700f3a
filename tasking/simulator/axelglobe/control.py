"""AxelGlobe's part of the control routes: what it holds, and decisions made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from tasking.simulator.axelglobe.server import AxelGlobe


class Decision(BaseModel):
    """A word for a request, now or later (simulated seconds)."""

    model_config = ConfigDict(extra="forbid")

    status: str = Field(min_length=1)
    in_seconds: float = Field(0, ge=0)


class PlanChange(BaseModel):
    """What may be done to a plan by hand."""

    model_config = ConfigDict(extra="forbid")

    replace_candidates: bool = False
    no_candidates: bool | None = None


class AccountChange(BaseModel):
    """What may be done to all accounts by hand."""

    model_config = ConfigDict(extra="forbid")

    no_candidates_for_next: int = Field(ge=0)


def axelglobe_control(axelglobe: AxelGlobe) -> APIRouter:
    """Routes under ``/_sim/axelglobe``."""
    routes = APIRouter(prefix="/_sim/axelglobe")

    @routes.patch("")
    def change(wish: AccountChange) -> dict[str, Any]:
        axelglobe.no_candidates_for_next(wish.no_candidates_for_next)
        return {}

    @routes.post("/requests/{request_id}")
    def decide(request_id: str, decision: Decision) -> dict[str, Any]:
        try:
            axelglobe.decide(request_id, decision.status, decision.in_seconds)
        except KeyError as error:
            raise HTTPException(404, "no such request") from error
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        return next(request for request in axelglobe.requests() if request["id"] == request_id)

    @routes.post("/plans/{plan_id}")
    def change_plan(plan_id: str, wish: PlanChange) -> dict[str, Any]:
        try:
            axelglobe.change_plan(plan_id, replace_candidates=wish.replace_candidates, barren=wish.no_candidates)
        except KeyError as error:
            raise HTTPException(404, "no such plan") from error
        return next(plan for plan in axelglobe.plans() if plan["id"] == plan_id)

    return routes

"""Satellogic's part of the control routes: what it holds, its contracts, and decisions made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from tasking.simulator.satellogic.switches import ZipTrap

if TYPE_CHECKING:
    from tasking.simulator.satellogic.server import Satellogic


class Decision(BaseModel):
    """A word for a task, now or later (simulated seconds)."""

    model_config = ConfigDict(extra="forbid")

    status: str
    in_seconds: float = Field(0, ge=0)


class Wishes(BaseModel):
    """What may be ordered by hand."""

    model_config = ConfigDict(extra="forbid")

    fail_next_captures: int = Field(0, ge=0)
    reject_qc: int = Field(0, ge=0)
    task_id: int | None = None
    zip_trap: ZipTrap = ""
    zips: int = Field(1, ge=-1)


def satellogic_control(satellogic: Satellogic) -> APIRouter:
    """Routes under ``/_sim/satellogic``."""
    routes = APIRouter(prefix="/_sim/satellogic")

    @routes.patch("")
    def change(wish: Wishes) -> dict[str, Any]:
        chosen: list[int] = []
        try:
            if wish.fail_next_captures:
                chosen += satellogic.fail_next_captures(wish.fail_next_captures, task_id=wish.task_id)
            if wish.reject_qc:
                chosen += satellogic.reject_qc(wish.reject_qc, task_id=wish.task_id)
        except KeyError as error:
            raise HTTPException(404, "no such task") from error
        if wish.zip_trap:
            satellogic.trap_next_zips(wish.zip_trap, wish.zips)
        return {"tasks": chosen}

    @routes.get("/contracts")
    def contracts(client_id: str | None = None) -> list[dict[str, Any]]:
        return satellogic.contracts(client_id)

    @routes.post("/tasks/{task_id}")
    def decide(task_id: int, decision: Decision) -> dict[str, Any]:
        try:
            satellogic.decide(task_id, decision.status, decision.in_seconds)
        except KeyError as error:
            raise HTTPException(404, "no such task") from error
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        return next(task for task in satellogic.tasks() if task["task_id"] == task_id)

    return routes

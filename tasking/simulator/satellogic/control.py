"""Satellogic's part of the control routes: what it holds, decisions made by hand, and its switches."""

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
    revoke_tokens: bool = False


def satellogic_control(satellogic: Satellogic) -> APIRouter:
    """Routes under ``/_sim/satellogic``."""
    routes = APIRouter(prefix="/_sim/satellogic")

    @routes.get("")
    def summary() -> dict[str, Any]:
        return satellogic.summary()

    @routes.get("/files")
    def files(reference: str) -> list[dict[str, Any]]:
        return satellogic.files(reference)

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
        revoked = satellogic.accounts.revoke() if wish.revoke_tokens else 0
        return {"tasks": chosen, "tokens_revoked": revoked}

    @routes.post("/tasks/{task_id}")
    def decide(task_id: int, decision: Decision) -> dict[str, Any]:
        try:
            satellogic.decide(task_id, decision.status, decision.in_seconds)
        except KeyError as error:
            raise HTTPException(404, "no such task") from error
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        return next(task for task in satellogic.tasks() if task["task_id"] == task_id)

    @routes.get("/switches")
    def switches() -> dict[str, Any]:
        return satellogic.board.now.model_dump(mode="json")

    @routes.patch("/switches")
    def change_switches(changes: dict[str, Any]) -> dict[str, Any]:
        return satellogic.board.change(**changes).model_dump(mode="json")

    return routes

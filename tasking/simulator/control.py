"""The simulator's own routes under ``/_sim``, and those that it has for each provider; they need no token."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from tasking.simulator.provider import SimulatedProvider
from tasking.simulator.world import World


class ClockChange(BaseModel):
    """What may be said to the clock; ``now`` is set first, then ``advance_seconds`` is added."""

    model_config = ConfigDict(extra="forbid")

    rate: float | None = None
    advance_seconds: float = 0
    now: AwareDatetime | None = None


def control_routes(world: World) -> APIRouter:
    """Health, journal, clock, faults and switches."""
    routes = APIRouter(prefix="/_sim")

    def clock() -> dict[str, Any]:
        return {"now": world.clock.now().isoformat().replace("+00:00", "Z"), "rate": world.clock.rate}

    @routes.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "ok", **clock()}

    @routes.get("/journal")
    def journal(path: str = "*", method: str = "*", since: int = 0, query: str = "*") -> dict[str, Any]:
        return {"calls": world.journal.read(path=path, method=method, since=since, query=query)}

    @routes.delete("/journal")
    def clear_journal() -> dict[str, int]:
        return {"cleared": world.journal.clear()}

    @routes.get("/clock")
    def read_clock() -> dict[str, Any]:
        return clock()

    @routes.post("/clock")
    def move_clock(change: ClockChange) -> dict[str, Any]:
        if change.advance_seconds < 0:
            raise HTTPException(400, "the clock never goes backwards")
        now: datetime | None = change.now
        try:
            world.clock.move(rate=change.rate, advance_seconds=change.advance_seconds, now=now)
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        return clock()

    @routes.get("/faults")
    def faults() -> dict[str, Any]:
        return {"faults": [fault.model_dump(mode="json") for fault in world.faults.waiting()]}

    @routes.post("/faults", status_code=201)
    def order_fault(fault: dict[str, Any]) -> dict[str, Any]:
        return world.faults.order(**fault).model_dump(mode="json")

    @routes.delete("/faults")
    def clear_faults(id: int | None = None) -> dict[str, int]:
        return {"cleared": world.faults.clear(id)}

    @routes.get("/switches")
    def switches() -> dict[str, Any]:
        return world.switches.now.model_dump(mode="json")

    @routes.patch("/switches")
    def change_switches(changes: dict[str, Any]) -> dict[str, Any]:
        return world.switches.change(**changes).model_dump(mode="json")

    return routes


def provider_routes(provider: SimulatedProvider[Any]) -> APIRouter:
    """What a provider holds and has published, its own switches, and the end of its tokens."""
    routes = APIRouter(prefix=f"/_sim/{provider.name}")

    @routes.get("")
    def summary() -> dict[str, Any]:
        return provider.summary()

    @routes.get("/files")
    def files(reference: str) -> list[dict[str, Any]]:
        return provider.files(reference)

    @routes.get("/switches")
    def switches() -> dict[str, Any]:
        return dict(provider.switches.now.model_dump(mode="json"))

    @routes.patch("/switches")
    def change_switches(changes: dict[str, Any]) -> dict[str, Any]:
        return dict(provider.switch(**changes).model_dump(mode="json"))

    @routes.delete("/tokens")
    def revoke_tokens() -> dict[str, int]:
        return {"tokens_revoked": provider.tokens.revoke()}

    return routes


async def _bad_control(_: Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, (ValidationError, RequestValidationError)) else []
    said = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in problems)
    return JSONResponse({"detail": said or str(error)}, 400)


def answer_bad_control(app: FastAPI) -> None:
    """What cannot be read is 400 with the reason."""
    app.add_exception_handler(ValidationError, _bad_control)
    app.add_exception_handler(RequestValidationError, _bad_control)

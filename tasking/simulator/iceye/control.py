"""ICEYE's part of the control routes: what it holds, its switches, its contracts, and decisions made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from tasking.simulator.iceye.server import Iceye


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Decision(_Wish):
    """A word for a task, now or later (simulated seconds)."""

    status: str = Field(min_length=1)
    in_seconds: float = Field(0, ge=0)


class AccountChange(_Wish):
    """What may be done to all accounts by hand."""

    infeasible_for_next: int = Field(ge=0)


class Offer(_Wish):
    """What a contract allows of one choice."""

    allowed: list[str]
    default: str | None = None


class Pricing(_Wish):
    """A pricing plan; minor units, no limit when ``spend_limit`` is null."""

    currency: str = "USD"
    spend_limit: int | None = None
    spent: int = 0


class ContractChange(_Wish):
    """Fields of a contract; those left out stay as they are."""

    name: str = "Contract"
    start: str = ""
    end: str = ""
    imagingModes: Offer | None = None  # noqa: N815 (ICEYE's own name)
    priority: Offer | None = None
    exclusivity: Offer | None = None
    sla: Offer | None = None
    eula: Offer | None = None
    catalogCollections: Offer | None = None  # noqa: N815 (the same)
    pricing: Pricing | None = None
    spend_limit: int | None = None
    spent: int = 0


class NewContract(ContractChange):
    """A contract for one account; the first when ``client_id`` is left out."""

    client_id: str = ""


class Oauth(_Wish):
    """How ICEYE gets a token of the receiver's own."""

    token_url: str
    client_id: str
    client_secret: str


class Webhook(_Wish):
    """A receiver on loopback."""

    url: str
    token: str | None = None
    oauth: Oauth | None = None


def _given(wish: BaseModel) -> dict[str, Any]:
    given: dict[str, Any] = wish.model_dump(exclude_unset=True)
    for name, value in given.items():
        if isinstance(value, dict) and "allowed" in value and value.get("default") is None:
            given[name] = {"allowed": value["allowed"]}
    if given.get("pricing") is not None:
        given["pricing"] = Pricing.model_validate(given["pricing"]).model_dump()
    return given


def iceye_control(iceye: Iceye) -> APIRouter:
    """Routes under ``/_sim/iceye``."""
    routes = APIRouter(prefix="/_sim/iceye")

    @routes.patch("")
    def change(wish: AccountChange) -> dict[str, Any]:
        iceye.infeasible_for_next(wish.infeasible_for_next)
        return {}

    @routes.post("/tasks/{task_id}")
    def decide(task_id: str, decision: Decision) -> dict[str, Any]:
        try:
            iceye.decide(task_id, decision.status, decision.in_seconds)
        except KeyError as error:
            raise HTTPException(404, "no such task") from error
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        return next(task for task in iceye.tasks() if task["id"] == task_id)

    @routes.get("/contracts")
    def contracts() -> list[dict[str, Any]]:
        return iceye.contracts.all()

    @routes.post("/contracts", status_code=201)
    def add_contract(wish: NewContract) -> dict[str, Any]:
        told = _given(wish)
        try:
            return iceye.add_contract(told.pop("client_id", None), **told)
        except KeyError as error:
            raise HTTPException(404, "no such account") from error

    @routes.patch("/contracts/{contract_id}")
    def change_contract(contract_id: str, wish: ContractChange) -> dict[str, Any]:
        try:
            return iceye.contracts.change(contract_id, _given(wish))
        except KeyError as error:
            raise HTTPException(404, "no such contract") from error
        except ValueError as error:
            raise HTTPException(409, str(error)) from error

    @routes.post("/webhooks", status_code=201)
    def register(wish: Webhook) -> dict[str, str]:
        try:
            return {
                "id": iceye.webhooks.register(wish.url, wish.token, wish.oauth.model_dump() if wish.oauth else None)
            }
        except ValueError as error:
            raise HTTPException(400, str(error)) from error

    @routes.get("/webhooks")
    def posted() -> list[dict[str, Any]]:
        return iceye.webhooks.sent()

    return routes

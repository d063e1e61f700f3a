"""ICEYE's contracts: what an account may order, and the budget of those with a pricing plan.

A contract's answer holds ``allowed`` and ``default`` for each choice. The seeded ones are made up: one with a budget,
one without that allows little and has no default for its SLA.
"""

from __future__ import annotations

from typing import Any

from fastapi import Response

from tasking.simulator.clock import utc_text
from tasking.simulator.iceye.calls import Call, Json, Refusal, answer, is_uuid, limit_param, page
from tasking.simulator.iceye.switches import IceyeSwitches
from tasking.simulator.iceye.timeline import standing
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
KIND = "iceye contract"
TASK = "iceye task"
CHOICES = ("imagingModes", "priority", "exclusivity", "sla", "eula", "catalogCollections")
_YEAR = 365 * 86400

_WITH_BUDGET: Fact = {
    "name": "Demo contract",
    "imagingModes": {
        "allowed": ["STRIPMAP", "SPOTLIGHT", "SPOTLIGHT_FINE", "SPOTLIGHT_EXTENDED_DWELL", "SCAN", "SCAN_WIDE"],
        "default": "STRIPMAP",
    },
    "priority": {"allowed": ["COMMERCIAL", "BACKGROUND"], "default": "COMMERCIAL"},
    "exclusivity": {"allowed": ["PRIVATE", "PUBLIC"], "default": "PRIVATE"},
    "sla": {"allowed": ["SLA_8H", "SLA_12H", "SLA_24H", "SLA_48H", "SLA_72H"], "default": "SLA_8H"},
    "eula": {"allowed": ["STANDARD", "GOVERNMENT", "MULTI"], "default": "STANDARD"},
    "catalogCollections": {"allowed": ["public", "private"], "default": "private"},
    "pricing": {"currency": "USD", "spend_limit": 10_000_000, "spent": 0},
}
_WITHOUT: Fact = {
    "name": "Framework contract",
    "imagingModes": {"allowed": ["STRIPMAP", "SCAN"], "default": "SCAN"},
    "priority": {"allowed": ["COMMERCIAL"], "default": "COMMERCIAL"},
    "exclusivity": {"allowed": ["PRIVATE"], "default": "PRIVATE"},
    "sla": {"allowed": ["SLA_24H", "SLA_48H"]},
    "eula": {"allowed": ["STANDARD"], "default": "STANDARD"},
    "pricing": None,
}


class Contracts:
    """The contracts of all accounts, and what is left of their budgets."""

    def __init__(self, world: World, switches: SwitchBoard[IceyeSwitches]) -> None:
        self._world, self._switches = world, switches
        with world.store.together():
            if not world.store.all(KIND):
                for client_id in world.clients:
                    self.add(client_id, _WITH_BUDGET)
                    self.add(client_id, _WITHOUT)

    def add(self, client_id: str, contract: Fact) -> Fact:
        """Give an account a contract: the fields of its answer, and ``pricing``."""
        with self._world.store.together():
            span = {"start": utc_text(self._world.epoch - _YEAR), "end": utc_text(self._world.epoch + 5 * _YEAR)}
            told: Fact = {"name": "Contract", "pricing": None, **span, **contract}
            made = {"id": self._world.new_uuid(KIND), "client_id": client_id, **told}
            self._world.store.put(KIND, made["id"], made)
        return made

    def change(self, contract_id: str, changes: Fact) -> Fact:
        """Change fields of a contract; ``spend_limit`` and ``spent`` stand for those of its pricing.

        Raises:
            KeyError: For an unknown contract.
            ValueError: For a figure of a budget that the contract does not have.
        """
        with self._world.store.together():
            contract = self._world.store.get(KIND, contract_id)
            if contract is None:
                raise KeyError(contract_id)
            money = {name: changes[name] for name in ("spend_limit", "spent") if name in changes}
            changed = {**contract, **{name: value for name, value in changes.items() if name not in money}}
            if money:
                if changed["pricing"] is None:
                    raise ValueError("the contract has no pricing plan")
                changed["pricing"] = {**changed["pricing"], **money}
            self._world.store.put(KIND, contract_id, changed)
        return changed

    def all(self) -> list[Fact]:
        """All contracts as stored, oldest first."""
        return self._world.store.all(KIND)

    def find(self, client_id: str, contract_id: str) -> Fact:
        """An account's contract; raises `Refusal` 404."""
        contract = self._world.store.get(KIND, contract_id)
        if contract is None or contract["client_id"] != client_id:
            raise Refusal(404, "no rows in result set", "not_found", "Contract Not Found")
        return contract

    def budget(self, contract: Fact) -> Json | None:
        """What is spent, held and allowed, minor units; ``None`` without a pricing plan.

        A task is held until its first products are there and charged from then on; one that was rejected or failed
        costs nothing, a cancelled one its fee.
        """
        pricing = contract["pricing"]
        if pricing is None:
            return None
        spent, held, now = pricing["spent"], 0, self._world.clock.seconds()
        for task in self._world.store.all(TASK):
            if task["contract_id"] != contract["id"] or task["price"] is None:
                continue
            status = standing(task, now).status
            if status in ("FULFILLED", "DONE"):
                spent += task["price"]
            elif status == "CANCELED":
                spent += task["fee"]
            elif status not in ("REJECTED", "FAILED"):
                held += task["price"]
        limit = {} if pricing["spend_limit"] is None else {"spendLimit": pricing["spend_limit"]}
        currency = pricing["currency"]
        return {
            "contractID": contract["id"], "currency": currency, "consolidatedSpent": spent, "onHold": held, **limit
        }  # fmt: skip

    def can_pay(self, contract: Fact, price: int | None) -> bool:
        """Whether a price fits in what is left."""
        budget = self.budget(contract)
        if budget is None or price is None or "spendLimit" not in budget:
            return True
        return bool(budget["consolidatedSpent"] + budget["onHold"] + price <= budget["spendLimit"])

    @staticmethod
    def shown(contract: Fact) -> Json:
        """A contract as answered."""
        return {name: contract[name] for name in ("id", "name", "start", "end", *CHOICES) if name in contract}

    def list(self, call: Call) -> Response:
        """``GET /contracts``."""
        switches = self._switches.now
        params = call.params(("limit", "cursor"), switches.unknown_parameters)
        own = [contract for contract in self.all() if contract["client_id"] == call.client_id]
        size = limit_param(params, switches.list_limit_max)
        listed, onward = page(own, params, size, lambda contract: contract["id"], switches.last_cursor)
        return answer({"data": [self.shown(contract) for contract in listed], **onward})

    def _asked(self, call: Call, contract_id: str) -> Fact:
        call.params((), self._switches.now.unknown_parameters)
        if not is_uuid(contract_id):
            raise Refusal(400, "contractID: must be a UUID")
        return self.find(call.client_id, contract_id)

    def one(self, call: Call, contract_id: str) -> Response:
        """``GET /contracts/{contractID}``."""
        return answer(self.shown(self._asked(call, contract_id)))

    def summary(self, call: Call, contract_id: str) -> Response:
        """``GET /contracts/{contractID}/summary``: the budget; raises `Refusal` 404 without a pricing plan."""
        budget = self.budget(self._asked(call, contract_id))
        if budget is None:
            raise Refusal(404, "the contract has no pricing plan", "not_found", "Contract Summary Not Found")
        return answer(budget)

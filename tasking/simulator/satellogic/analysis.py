"""Satellogic's analyses: asynchronous, free, kept for a day.

Documented: two kinds (opportunities, can-add), the payload of a task, an id as the answer, 20 to 60 s, 24 h. The paths
of v1 are not published: those of v2 are mimicked, and all field names but the payload's are invented.
"""

from __future__ import annotations

from typing import Any

from fastapi import Response

from tasking.simulator.clock import utc_text
from tasking.simulator.features import Json, json_answer
from tasking.simulator.satellogic.answers import Asked, Refusal
from tasking.simulator.satellogic.passes import Pass
from tasking.simulator.satellogic.switches import SatellogicSwitches
from tasking.simulator.satellogic.tasks import Tasks
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
_KIND = "satellogic analysis"


class Analyses:
    """Analyses asked for."""

    def __init__(self, world: World, switches: SwitchBoard[SatellogicSwitches], tasks: Tasks) -> None:
        self._world, self._switches, self._tasks = world, switches, tasks

    def ask(self, asked: Asked, kind: str) -> Response:
        """``POST /v2/analysis/{kind}``; raises `Refusal` 400."""
        self._refuse_if_not_there("ask")
        draft = self._tasks.draft(asked)
        with self._world.store.together():
            analysis_id = self._world.new_uuid("satellogic analysis")
            wait = self._world.chance("analysis", analysis_id).uniform(*draft["rules"]["analysis_seconds"])
            made = {"analysis_id": analysis_id, "kind": kind, "draft": draft, "ready": draft["created"] + wait}
            self._world.store.put(_KIND, analysis_id, made)
        asked.request.state.created_ids = [analysis_id]
        return json_answer(self._shape(made), 201)

    def read(self, asked: Asked, kind: str, analysis_id: str) -> Response:
        """``GET /v2/analysis/{kind}/{analysis_id}``; raises `Refusal` 404, also when its day is over."""
        self._refuse_if_not_there("read")
        found = self._world.store.get(_KIND, analysis_id)
        now = self._world.clock.seconds()
        if (
            found is None
            or found["kind"] != kind
            or found["draft"]["client_id"] != asked.client_id
            or found["draft"]["contract"]["contract_id"] != asked.contract["contract_id"]
            or now >= found["draft"]["created"] + found["draft"]["rules"]["analysis_life_seconds"]
        ):
            raise Refusal(404, "Not found.")
        return json_answer(self._shape(found))

    def _refuse_if_not_there(self, call: str) -> None:
        switches = self._switches.now
        if switches.analysis_status and switches.analysis_status_for in ("ask", call):
            words = {403: "Forbidden", 404: "Not found.", 405: "Method not allowed.", 501: "Not implemented"}
            raise Refusal(switches.analysis_status, words[switches.analysis_status])

    def _shape(self, analysis: Fact) -> Json:
        draft = analysis["draft"]
        ready = self._world.clock.seconds() >= analysis["ready"]
        return {
            "analysis_id": analysis["analysis_id"],
            "type": analysis["kind"],
            "status": (self._switches.now.analysis_word or "completed") if ready else "in_progress",
            "created_time": utc_text(draft["created"]),
            "expires_time": utc_text(draft["created"] + draft["rules"]["analysis_life_seconds"]),
            "result": self._result(analysis) if ready else None,
        }

    def _result(self, analysis: Fact) -> Json:
        with self._world.store.lock:
            looks, strips = self._tasks.opportunities(analysis["draft"], free_only=analysis["kind"] == "can-add")
        if self._switches.now.analysis_shape == "windows":
            return {"windows": [{"from": utc_text(look.start), "until": utc_text(look.end)} for look in looks]}
        return {
            "feasible": bool(looks),
            "opportunities": [_opportunity(look) for look in looks],
            **({"strips": strips} if strips else {}),
        }


def _opportunity(look: Pass) -> Json:
    return {
        "start": utc_text(look.start),
        "end": utc_text(look.end),
        "satellite_name": look.platform,
        "off_nadir_deg": look.off_nadir,
        "sun_elevation_deg": look.sun_elevation,
    }

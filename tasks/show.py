"""What a person sees on the run's page: candidates, picture, timeline, and what was delivered."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from uuid import UUID

import httpx
from prefect import get_client, get_run_logger
from prefect.artifacts import MarkdownArtifact, create_markdown_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact, FlowRun
from prefect.client.schemas.sorting import ArtifactSort
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectHTTPStatusError

from tasking.area import area_from
from tasking.candidate import Candidate
from tasking.delivery.outcome import Delivery
from tasking.delivery.thumbnail import thumbnail
from tasking.footprint_map import footprint_svg
from tasking.order import Order
from tasking.plain_text import markdown_text
from tasking.ranking import RankedCandidate
from tasks.step import ledger

SHOWN = 25
"""Rows of the candidate table; the rest is counted."""


def show_candidates(order: Order, reference: str, ranked: Sequence[RankedCandidate], best: Candidate) -> None:
    """The ranked candidates as a table, with a picture of the area and the footprints."""
    chosen = next((one for one in ranked if one.candidate.id == best.id), None)
    picture = base64.b64encode(footprint_svg(area_from(order.footprint), ranked, chosen).encode()).decode()
    refused = any(one.exclusion_reason for one in ranked[:SHOWN])
    lines = [
        f"# Candidates of {_text(reference)}",
        f"![Area and footprints](data:image/svg+xml;base64,{picture})",
        "| | score | covers | capture (UTC) | satellite | off nadir | sun |" + " why not |" * refused,
        "| --- | ---: | ---: | --- | --- | ---: | ---: |" + " --- |" * refused,
    ]
    for one in ranked[:SHOWN]:
        it = one.candidate
        lines.append(
            f"| {'**chosen**' if it.id == best.id else ''} | {one.score:.2f} | {_number(one.coverage_percent, ' %')} "
            f"| {it.start:%Y-%m-%d %H:%M} | {_text(it.platform or '')} | {_number(it.off_nadir_deg, '°')} "
            f"| {_number(it.sun_elevation_deg, '°')} |" + f" {_text(one.exclusion_reason)} |" * refused
        )
    if len(ranked) > SHOWN:
        lines.append(f"\n{len(ranked) - SHOWN} more are not shown.")
    _put("\n".join(lines), key=_key(reference, "candidates"), description=f"{len(ranked)} candidates")


def show_delivery(reference: str, delivery: Delivery) -> None:
    """Where the imagery is, file by file."""
    lines = [
        f"# Delivered: {_text(reference)}",
        f"In {_text(str(delivery.folder))}; its index is catalog.json (STAC).",  # a browser opens no file:// link
    ]
    if (picture := thumbnail(delivery.files)) is not None:
        lines += ["", f"![Thumbnail]({picture})"]
    item = None
    for one in delivery.files:
        if one.item_id != item:
            item = one.item_id
            lines += ["", f"**{_text(item)}**", "", "| asset | file | size |", "| --- | --- | ---: |"]
        lines.append(f"| {_text(one.asset_key)} | {_text(one.path.name)} | {one.size / 1e3:,.0f} kB |")
    _put("\n".join(lines), key=_key(reference, "delivered"), description=f"{len(delivery.files)} files, verified")


def show_timeline(reference: str) -> None:
    """Everything that happened to the order, as the ledger's journal has it, the newest first.

    A list and no table: the UI does not wrap the cells of a table, and cuts them at the right.
    """
    with ledger() as book:
        entries = book.journal(reference) if book.find(reference) is not None else []
    if not entries:
        return
    lines = [f"# What happened to {_text(reference)}", "Times are UTC, the newest first.", ""]
    lines += [
        f"- {one.at:%Y-%m-%d %H:%M:%S} **{_text(one.event)}**: {_text(_short(one.message))}"
        for one in reversed(entries)
    ]
    _put("\n".join(lines), key=_key(reference, "timeline"), description="The order's timeline")


def _put(markdown: str, *, key: str, description: str) -> None:
    """Show this on the run's page, in place of what was shown there under this key.

    What is shown to a person is never worth an order's failure.
    """
    try:
        run = _this_run()
        if run is None:
            create_markdown_artifact(markdown, key=key, description=description)
            return
        with get_client(sync_client=True) as client:
            shown = _shown(client, run, key)
            if shown is not None and _updated(client, shown, ArtifactUpdate(data=markdown, description=description)):
                return
        made = MarkdownArtifact(markdown=markdown, key=key, description=description).create(_sync=True)  # type: ignore[call-arg]
        assert isinstance(made, Artifact)
        _put_here[run.id, key] = made.id
    except Exception as error:
        get_run_logger().warning("Not shown on the run's page: %s", error)


def _updated(client: SyncPrefectClient, shown: UUID, news: ArtifactUpdate) -> bool:
    """Whether the artifact was there to be updated; a person may have deleted it."""
    try:
        client.update_artifact(shown, news)
    except PrefectHTTPStatusError as error:
        if error.response.status_code != httpx.codes.NOT_FOUND:
            raise
        return False
    return True


_put_here: dict[tuple[UUID, str], UUID] = {}
"""Artifacts that this process has made, by run and key: they need not be looked for."""


def _this_run() -> FlowRun | None:
    context = FlowRunContext.get()
    return context.flow_run if context is not None else None


def _shown(client: SyncPrefectClient, run: FlowRun, key: str) -> UUID | None:
    """The run's artifact with this key. At its first start a run has none but what this process has made."""
    if (run.id, key) in _put_here or not run.run_count:
        return _put_here.get((run.id, key))
    which = ArtifactFilter(key=ArtifactFilterKey(any_=[key]), flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    for one in client.read_artifacts(artifact_filter=which, sort=ArtifactSort.ID_DESC, limit=1):
        _put_here[run.id, key] = one.id
    return _put_here.get((run.id, key))


def _key(reference: str, what: str) -> str:
    """Prefect's keys hold lower-case letters, digits and dashes only."""
    return f"order-{re.sub(r'[^a-z0-9]+', '-', reference.lower()).strip('-')}-{what}"


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.1f}{unit}"


def _short(said: str) -> str:
    """Without the middle of opaque ids, which push the words out of the page; the ledger has them whole."""
    return re.sub(r"[\w=+/-]{48,}", lambda found: f"{found[0][:8]}…{found[0][-8:]}", said)


def _text(said: str) -> str:
    """Words from outside, so that they stay words in a table."""
    return markdown_text(said[:500])

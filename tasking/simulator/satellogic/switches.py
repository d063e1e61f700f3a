"""Satellogic's own switches: what its documents leave open. Marks as in `tasking.simulator.switches`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ZipTrap = Literal[
    "",
    "parent_path",
    "absolute_path",
    "backslash_path",
    "symlink",
    "bomb",
    "huge_declared",
    "understated",
    "wrong_crc",
    "truncated",
    "duplicate",
    "many_entries",
    "encrypted",
    "not_a_zip",
    "cut_tiff",
]


class SatellogicSwitches(BaseModel):
    """All of Satellogic's switches with their defaults; (created) ones are kept with the task they were read for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Time
    cycle_seconds: int = Field(1800, gt=0, description="[doc: about 30 minutes] planning cycles (created)")
    order_cutoff_seconds: int = Field(
        21600, ge=0, description="[doc: 6 h, 90th percentile] can-add shows no pass nearer than this (created)"
    )
    uplink_seconds: int = Field(
        10800,
        ge=0,
        description="[inf] smallest time from planning to a capture; with cycle and planning_cycles below the 6 h from "
        "order to capture of the document (created)",
    )
    in_progress_seconds: int = Field(43200, ge=0, description="[doc: 12 h] before the first queued capture (created)")
    cancel_notice_seconds: int = Field(
        43200, ge=0, description="[doc: 12 h] a queued capture nearer than this is taken despite a cancel (created)"
    )
    horizon_days: float = Field(14, gt=0, description="[inf] how far ahead captures are queued (created)")
    planning_cycles: tuple[int, int] = Field(
        (1, 3), description="[doc: one or several] cycles spent in planning, between these by task (created)"
    )
    downlink_seconds: tuple[int, int] = Field(
        (3600, 14400), description="[inf] capture to processing, between these by capture (created)"
    )
    processing_seconds: tuple[int, int] = Field(
        (3600, 10800), description="[inf] processing to published, between these by capture (created)"
    )
    analysis_seconds: tuple[int, int] = Field(
        (20, 60), description="[doc] request of an analysis to its result, between these by analysis (created)"
    )
    analysis_life_seconds: int = Field(86400, gt=0, description="[doc: 24 h] an analysis is kept (created)")
    ends_with_window: bool = Field(
        False,
        description="[doc: both] the window's end ends a task, whose captures are then published after its end; false: "
        "it stays in progress until they are settled (created)",
    )
    # Chance
    demand: float = Field(
        0.2,
        ge=0,
        le=1,
        description="[inf] share of the passes that other orders take; never from a rush task (created)",
    )
    orbit_failure_probability: float = Field(
        0, ge=0, le=1, description="[inf; doc: below 5 %] share of captures lost in orbit (created)"
    )
    qc_rejection_probability: float = Field(
        0, ge=0, le=1, description="[inf] share of captures that fail in processing or QC (created)"
    )
    lost_allocation_probability: float = Field(
        0, ge=0, le=1, description="[inf] share of queued captures that lose their place (created)"
    )
    # Captures
    off_nadir_max_deg: float = Field(30, gt=0, lt=50, description="[inf] largest view angle (created)")
    strip_width_km: float = Field(7, gt=0, le=50, description="[pub: swath 5-8 km] width of an area's strips (created)")
    strip_length_max_km: float = Field(100, gt=0, description="[inf] longer strips are cut (created)")
    strips_per_day: int = Field(1, ge=1, description="[doc: typically on different days] strips of a task (created)")
    max_strips: int = Field(100, ge=1, description="[inf] largest area, in strips")
    window_max_days: float = Field(190, gt=0, description="[inf] longest collection window")
    # Token
    require_audience: bool = Field(True, description="[doc] a token request without audience is refused")
    token_life_seconds: int = Field(86400, gt=0, description="[doc] expires_in (created)")
    # Calls
    create_status: Literal[200, 201] = Field(201, description="[inf] status of a create that worked")
    name_max_length: int = Field(255, gt=0, description="[inf] longest name of a task or project")
    unknown_status_word: str = Field("", description="[inf] shown instead of in_progress")
    product_field: Literal["strict", "alias"] = Field(
        "strict", description="[doc: contradiction] 'alias': product_id is read as product"
    )
    unknown_fields: Literal["refuse", "ignore"] = Field("refuse", description="[inf] unknown fields of a task")
    filters: Literal["honoured", "ignored"] = Field("honoured", description="[doc] 'ignored': lists show everything")
    page_size: int = Field(25, gt=0, description="[inf] limit when none is given")
    page_size_max: int = Field(100, gt=0, description="[inf] a larger limit is cut down to this, silently")
    echo_limits: bool = Field(True, description="[inf] a task shows max_captures and expected_age")
    echo: Literal["as sent", "normalised"] = Field(
        "as sent",
        description="[inf] 'normalised': a task is shown in whole minutes, with a begin not before it was made, "
        "positions of four decimals, and max_captures 0 where none was sent",
    )
    processing_word: str = Field("", description="[inf] a word in place of processing for a capture")
    cancel_answer: Literal["task", "empty"] = Field("task", description="[inf] what a cancel answers")
    contracts_shape: Literal["array", "results"] = Field("array", description="[pub] shape of the contracts' list")
    # Analysis: the document tells of it and publishes no path, no shape and no word
    analysis_status: Literal[0, 403, 404, 405, 501] = Field(
        0, description="[inf] what the calls of the analysis answer; 0: they are served"
    )
    analysis_status_for: Literal["ask", "read"] = Field(
        "ask", description="[inf] whether analysis_status meets all calls of it, or only those that read one"
    )
    analysis_word: str = Field("", description="[inf] a word in place of completed for an analysis with its result")
    analysis_shape: Literal["result", "windows"] = Field(
        "result", description="[inf] 'windows': opportunities under another name and with other fields"
    )
    # Delivery
    attachment_access: Literal["token", "signed"] = Field(
        "token", description="[inf] files ask for the headers, or their addresses are signed and end"
    )
    signed_seconds: int = Field(3600, gt=0, description="[inf] life of a signed address")
    tiles_max: int = Field(4, ge=1, description="[inf] most STAC items (2 by 2 km) of one capture")
    zip_trap: ZipTrap = Field("", description="[inf] every delivery zip is a trap of this kind")

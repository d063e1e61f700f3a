"""ICEYE's own switches: what its documents leave open or say in two ways. Marks as in `tasking.simulator.switches`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class IceyeSwitches(BaseModel):
    """All of ICEYE's switches with their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Time
    decision_seconds: float = Field(600, ge=0, description="[doc: within 20 minutes] RECEIVED to a decision (created)")
    decision_jitter_seconds: float = Field(300, ge=0, description="[doc] plus or minus, by task (created)")
    uplink_seconds: int = Field(3600, ge=0, description="[inf] decision to the earliest imaging (created)")
    sla_share: tuple[float, float] = Field(
        (0.3, 0.9), description="[doc: within the SLA] share of it until the SLA products, by task (created)"
    )
    other_products_seconds: int = Field(21600, ge=0, description="[inf] SLA products to all others (created)")
    feasibility_seconds: float = Field(0, ge=0, description="[doc: slow] real seconds a feasibility answer takes")
    token_life_seconds: int = Field(3600, gt=0, description="[doc] expires_in (created)")
    url_life_seconds: int = Field(3600, gt=0, description="[doc: 1 hour] life of a signed address (created)")
    scene_moves: bool = Field(
        False, description="[doc: may change] half-way to its imaging a task moves to its next pass (created)"
    )
    # Limits
    lead_hours_commercial: float = Field(12, ge=0, description="[pub] now to the window's start, COMMERCIAL")
    lead_hours_background: float = Field(24, ge=0, description="[pub] the same, BACKGROUND")
    window_min_hours: float = Field(24, ge=0, description="[doc; its own example is 2] width of the window")
    window_end_max_days: float = Field(14, gt=0, description="[doc] now to the window's end")
    incidence_default: Literal["full", "mode"] = Field(
        "full", description="[pub: both] without a wish 10..45, or the range of the mode"
    )
    reference_max_length: int = Field(256, gt=0, description="[pub] longest reference")
    list_limit_max: int = Field(100, gt=0, description="[inf] largest limit of lists")
    products_page_size: int = Field(10, gt=0, description="[inf] products on a page")
    feasibility_max_tasks: int = Field(50, gt=0, description="[inf] longest array of a feasibility call")
    unknown_parameters: Literal["refuse", "ignore"] = Field("refuse", description="[inf] unknown query parameters")
    imaging_duration_allowed: bool = Field(
        False, description="[pub: both] a task request may hold imagingDuration, which the OpenAPI does not name"
    )
    # Answers
    error_form: Literal["accept", "plain", "problem"] = Field(
        "accept", description="[pub; who wins is unproven] title/code/details when Accept names problem+json"
    )
    last_cursor: Literal["absent", "empty"] = Field("absent", description="[pub: both] cursor of the last page")
    product_shape: Literal["stac", "flat"] = Field("stac", description="[doc: both] shape of products")
    product_type_told: bool = Field(
        True, description="[pub: sar:product_type may be null] false: null, one item with the files of all types"
    )
    incidence_as_text: bool = Field(True, description="[doc] incidenceAngle of a scene is text; false: a number")
    eula_when_unset: Literal["default", "omitted"] = Field(
        "default", description="[pub: both] a task made without eula answers the contract's, or none"
    )
    insufficient_funds_status: int = Field(403, ge=400, le=499, description="[inf] ERR_INSUFFICIENT_FUNDS")
    no_pricing_plan_status: int = Field(404, ge=400, le=499, description="[pub for the summary] price without a plan")
    not_cancellable_status: int = Field(400, ge=400, le=499, description="[inf] cancelling too late")
    # Behaviour
    feasibility_over_budget: Literal["INFEASIBLE", "error"] = Field(
        "INFEASIBLE", description="[inf; doc: it checks the budget] what a request beyond the budget gets"
    )
    late_cancel: Literal["refuse", "charge"] = Field(
        "refuse", description="[pub: cannot] below 24 h when ordered below 24 h: refused, or 100 % charged"
    )
    sla_products: tuple[str, ...] = Field(
        ("GRD", "GRD-COG", "QLK"), description="[inf; doc: typically GRD] products that count for the SLA (created)"
    )
    default_products: tuple[str, ...] = Field(
        ("GRD", "SLC"), description="[inf] products of a task without productTypes (created)"
    )
    failure_probability: float = Field(0, ge=0, le=1, description="[inf] share of tasks that fail (created)")
    files_with_bearer: Literal["ignore", "refuse"] = Field(
        "ignore", description="[inf] a signed address called with an Authorization header"
    )

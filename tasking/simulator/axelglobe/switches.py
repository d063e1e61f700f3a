"""AxelGlobe's own switches: what its documents leave open. Marks as in `tasking.simulator.switches`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AxelGlobeSwitches(BaseModel):
    """All of AxelGlobe's switches with their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Time
    candidates_ready_seconds: float = Field(
        900, ge=0, description="[doc: 10 to 20 minutes] plan to candidates (created)"
    )
    candidates_ready_jitter_seconds: float = Field(300, ge=0, description="[doc] plus or minus, by plan (created)")
    candidate_life_seconds: int = Field(86400, gt=0, description="[doc: about 24 h] life of a candidate (created)")
    request_lead_seconds: int = Field(
        7200,
        ge=0,
        description="[inf] end of a candidate, of cancelling and of planning (uplink), before the capture (created)",
    )
    accept_seconds: int = Field(1800, ge=0, description="[inf] request PLANNED to ACCEPTED (created)")
    data_after_capture_seconds: tuple[int, int] = Field(
        (86400, 172800), description="[doc: 24-48 h] capture to DATA_AVAILABLE, between these by request (created)"
    )
    capture_id_known: Literal["captured", "data", "never"] = Field(
        "captured",
        description="[inf] ag:capture_id is set at the capture's end, or with the data; "
        "[doc: null in each example] never: the capture is named by the assets link only",
    )
    # Token
    require_audience: bool = Field(True, description="[doc] a token request without audience is refused")
    token_life_seconds: int = Field(86400, gt=0, description="[doc] expires_in (created)")
    # Limits
    credits: int = Field(100, ge=0, description="[inf] task credits that each account was given")
    aoi_max_width_km: float = Field(250, gt=0, description="[pub] width of the AOI's bounding box")
    aoi_max_height_km: float = Field(250, gt=0, description="[inf] its height")
    max_vertices: int = Field(1000, ge=4, description="[inf] positions in an AOI")
    multipolygon_allowed: bool = Field(False, description="[inf] the document shows Polygon only")
    toi_max_days: float = Field(14, gt=0, description="[pub] longest TOI")
    toi_max_lead_days: float = Field(30, gt=0, description="[inf; doc: not too far ahead] latest start of a TOI")
    toi_start_past_allowed: bool = Field(True, description="[inf] a TOI may have begun; it must never have ended")
    off_nadir_max_deg: float = Field(35, gt=0, lt=60, description="[inf] largest value in off_nadir_range")
    plan_defaults_allowed: bool = Field(False, description="[inf] off_nadir_range and satellites may be left out")
    satellites_required: bool = Field(
        False, description="[inf; the document's example names two] a plan without satellites is refused"
    )
    name_max_length: int = Field(255, gt=0, description="[inf] longest name of a plan or request")
    unknown_parameters: Literal["refuse", "ignore"] = Field(
        "refuse", description="[OGC API Features 1.0, query-param-unknown] unknown query parameters are 400"
    )
    # Answers
    create_status: Literal[200, 201] = Field(201, description="[inf] status of a create that worked")
    error_style: Literal["ogc", "detail", "text"] = Field("ogc", description="[inf] shape of an error body")
    expired_candidate_status: int = Field(409, ge=400, le=499, description="[inf] request for an expired candidate")
    expired_candidate_readable: bool = Field(True, description="[inf] an expired candidate can still be read by its id")
    no_credits_status: int = Field(403, ge=400, le=499, description="[inf] request without a credit left")
    name_echo: Literal["sent", "other"] = Field("sent", description="[inf] 'other': requests answer a name not sent")
    hrefs: Literal["absolute", "relative"] = Field("absolute", description="[doc: both occur] hrefs of links")
    self_links_without_href: bool = Field(False, description="[doc as printed] self and parent links hold no href")
    ids_missing_in_links: bool = Field(False, description="[inf] self and parent hrefs end before the id")
    unknown_status_word: str = Field("", description="[inf] shown instead of PROCESSING by plans and requests")
    request_window: Literal["plan", "candidate"] = Field(
        "plan", description="[doc example: plan] valid_start and valid_end of a request"
    )
    # Behaviour
    cancel_endpoint: bool = Field(False, description="[inf] DELETE on a request cancels until cancel_until")
    duplicate_names_allowed: bool = Field(True, description="[doc: no such rule] false: a known name is 409")
    rejection_probability: float = Field(0, ge=0, le=1, description="[inf] share of requests rejected (created)")
    rejection_reversal_seconds: int = Field(0, ge=0, description="[inf] REJECTED until ACCEPTED; 0 = never (created)")
    assets_link_before_capture: bool = Field(True, description="[doc example] the assets link is there at once")
    assets_need_token: bool = Field(True, description="[inf] asset files ask for the token")
    asset_life_seconds: int = Field(
        0, ge=0, description="[inf] asset addresses are signed, ask for no token and end after this; 0 = not signed"
    )
    asset_file_info: bool = Field(False, description="[inf] STAC assets hold file:size and file:checksum")

"""What must be known to speak to Satellogic's Aleph platform as one account."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from tasking import account
from tasking.budget import AccountBudget
from tasking.errors import InvalidOrder
from tasking.http.settings import HttpSettings
from tasking.price_list import PriceList

API_URL = "https://api.satellogic.com"
TOKEN_URL = "https://auth.platform.satellogic.com/oauth/token"  # noqa: S105 # an address
AUDIENCE = "https://api.satellogic.com/"
POINT_CODE, AREA_CODE = 169, 178
HOUR = 3600.0

Analysis = Literal["none", "opportunities", "can-add"]


class SatellogicSettings(account.AccountSettings):
    """Addresses, credentials and timing of one account. All times count in the provider's seconds."""

    model_config = ConfigDict(title="Satellogic account")

    api_url: account.ApiUrl = Field(
        default=API_URL,
        title="API address",
        description="Where Aleph's APIs are; tasking, analysis, delivery and archive lie below it.",
    )
    token_url: account.TokenUrl = Field(
        default=TOKEN_URL, title="Token address", description="Where a token is asked for."
    )
    audience: str = Field(
        default=AUDIENCE, min_length=1, title="Audience", description="Sent with each token request; ends with a slash."
    )
    client_id: account.ClientId
    client_secret: account.ClientSecret
    contract_id: str = Field(
        title="Contract ID",
        description=(
            "The contract that orders are placed under. It decides footprint, cloud cover, priority and timeline, also "
            "whether a point order is a rush order. To list an account's contracts, save the block with any word here, "
            "then run: tasking-flows contracts satellogic-tasking/<name>."
        ),
        examples=["cont.8d5d4b0e-0000-0000-0000-000000000000"],
    )
    trusted_urls: account.TrustedUrls = ()
    point_code: int = Field(
        default=POINT_CODE,
        gt=0,
        title="Product code for points",
        description="Introduction, 'Tasks and products': 169 for standard and rush tasking.",
    )
    area_code: int = Field(
        default=AREA_CODE,
        gt=0,
        title="Product code for areas",
        description="Introduction, 'Tasks and products': 178 for standard area coverage.",
    )
    analysis: Analysis = Field(
        default="opportunities",
        title="Analysis",
        description=(
            "What is asked before it is ordered, unless an order says otherwise. 'opportunities': all passes that are "
            "possible. 'can-add': those that are left beside what others have ordered. 'none': nothing. Satellogic "
            "does not publish where it is: where it is not to be had, orders of a whole window go on without."
        ),
    )
    opportunities_path: str = Field(
        default="v2/analysis/opportunities",
        title="Path of the opportunities analysis",
        description="Below the API address. The v1 path is not published; this is that of API v2.",
    )
    can_add_path: str = Field(
        default="v2/analysis/can-add",
        title="Path of the can-add analysis",
        description="Below the API address. Not published; named like the other one.",
    )
    products_from: Literal["delivery", "archive"] = Field(
        default="delivery",
        title="Products from",
        description=(
            "'delivery': the zip of each scene, taken apart on delivery. 'archive': tiles of the STAC archive, for "
            "accounts without zips; nothing says when all tiles of a capture are in it."
        ),
    )
    settle_seconds: account.SettleSeconds = 180.0
    analysis_seconds: float = Field(
        default=60.0,
        ge=0,
        title="Analysis after (seconds)",
        description="Introduction, 'Analysis API': results are typically ready after 20 to 60 seconds.",
    )
    analysis_patience_seconds: float = Field(
        default=HOUR / 2,
        ge=0,
        title="Patience for an analysis (seconds)",
        description="How long an analysis that does not finish is waited for; a whole window is then ordered without.",
    )
    narrow_margin_seconds: float = Field(
        default=600.0,
        ge=0,
        title="Margin around an opportunity (seconds)",
        description="Introduction, 'Analysis API': at least 10 minutes before and after are recommended.",
    )
    order_cutoff_seconds: float = Field(
        default=6 * HOUR,
        ge=0,
        title="Order cutoff (seconds)",
        description=(
            "An opportunity nearer than this is not ordered any more. Introduction, 'The task timeline': orders 6 "
            "hours ahead arrive at the satellite in time in 90 % of cases. Give less to try nearer ones."
        ),
    )
    cancel_notice_seconds: float = Field(
        default=12 * HOUR,
        ge=0,
        title="Cancel notice (seconds)",
        description="Introduction, 'Task Statuses': a cancel removes captures that are more than 12 hours away.",
    )
    poll_interval_seconds: float = Field(
        default=HOUR / 2,
        gt=0,
        title="Poll interval (seconds)",
        description="Introduction, 'Task Statuses': planning cycles occur every 30 minutes approximately.",
    )
    ask_again_seconds: account.AskAgainSeconds = 30.0
    data_after_capture_seconds: float = Field(
        default=3 * HOUR,
        ge=0,
        title="Data after capture (seconds)",
        description="When to look for a capture's delivery first. Ours: the document gives no number.",
    )
    scene_patience_seconds: float = Field(
        default=2 * account.DAY,
        ge=0,
        title="Patience for the last zip (seconds)",
        description="So long after a capture was seen published the last zip of its scenes is waited for. Ours.",
    )
    delivery_patience_seconds: account.DeliveryPatienceSeconds = 14 * account.DAY
    token_margin_seconds: account.TokenMarginSeconds = 300.0
    budget: account.MonthlyBudget = AccountBudget()
    price_list: account.Prices = PriceList()

    @property
    def codes(self) -> dict[str, int]:
        """The product code by the order's word for the product."""
        return {"point": self.point_code, "rush": self.point_code, "area": self.area_code}

    http: account.Calls = HttpSettings()

    @field_validator("contract_id")
    @classmethod
    def _can_be_a_header(cls, value: str) -> str:
        value = value.strip()
        if not re.fullmatch(r"[\x21-\x7e]{1,200}", value):
            raise InvalidOrder("contract_id", value or "(empty)", "give the contract's id as Satellogic lists it")
        return value

    @field_validator("opportunities_path", "can_add_path")
    @classmethod
    def _is_a_path(cls, value: str, info: ValidationInfo) -> str:
        value = value.strip("/ ")
        if not re.fullmatch(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*", value) or ".." in value.split("/"):
            raise InvalidOrder(
                info.field_name or "path",
                value or "(empty)",
                "give a path below the API address, e.g. v2/analysis/opportunities",
            )
        return value

    @model_validator(mode="after")
    def _two_codes(self) -> SatellogicSettings:
        if self.point_code == self.area_code:
            raise InvalidOrder("area_code", self.area_code, "points and areas are different products; give two codes")
        return self

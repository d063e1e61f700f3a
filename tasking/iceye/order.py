"""An order to ICEYE: what its task is made from.

Rules marked *documented* come from ICEYE's tasking documents. Which modes, priorities, SLAs and the like may be ordered
is the contract's to say, so those words are open here and checked against it before anything is ordered. ICEYE's
answers also know an imaging duration; its published task request has no such field, so an order has none either.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, WithJsonSchema, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from tasking.errors import InvalidOrder
from tasking.form import Form
from tasking.iceye.fields import contract_id, identifier, word
from tasking.order import Order, Policy
from tasking.point import EXAMPLE, Point
from tasking.weights import Weights
from tasking.window import iso

MAX_AHEAD = timedelta(days=14)
LEAST_WIDTH = timedelta(hours=24)
INCIDENCE_DEG = (10, 45)
LOOK_SIDES = ("LEFT", "RIGHT", "ANY")
PASS_DIRECTIONS = ("ASCENDING", "DESCENDING", "ANY")

IncidenceRange = Annotated[
    tuple[int, int],
    WithJsonSchema({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}),
]


class DeliveryLocation(Form):
    """A place of your own that ICEYE delivers to as well, as configured with ICEYE."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Delivery location")

    config_id: str = Field(title="Configuration", description="Id of the location's configuration at ICEYE.")
    path: str = Field(min_length=1, title="Path", description="Where in that location, e.g. a bucket or folder.")
    sub_path: str | None = Field(default=None, title="Sub path", description="A folder below that.")

    @field_validator("config_id", mode="before")
    @classmethod
    def _config_id(cls, value: object) -> object:
        return identifier("delivery_locations.config_id", value, "a location's configuration")

    @field_validator("sub_path", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value


class IceyeOrder(Order):
    """One new radar image around one point in one window.

    Documented: the window ends within 14 days from the order, the incidence angle lies in 10 to 45 degrees. ICEYE also
    asks for a window of 24 hours or more and for 12 (background: 24) hours ahead of its start; its own examples break
    both, so `tasking.iceye.provider.Iceye` warns of them and leaves the refusal to ICEYE. What is not set
    is the contract's default, as it was when the order was quoted; where there is none, it is not sent, and ICEYE
    chooses what it can schedule best.
    """

    model_config = ConfigDict(
        title="ICEYE order",
        json_schema_extra={"description": "One new radar image around one point within the next 14 days."},
    )

    provider: ClassVar[str] = "iceye"
    target_field: ClassVar[str] = "point"
    needs_daylight: ClassVar[bool] = False

    point: Point = Field(
        title="Point",
        description=(
            "The middle of the image (WGS84): WKT such as POINT (24.94 60.17) with the longitude first, GeoJSON, or "
            "latitude and longitude by name."
        ),
        examples=[EXAMPLE],
    )
    select: SkipJsonSchema[Policy] = Field(  # of no effect, so no form asks; orders made before hold it
        default="best-coverage", title="Choose by", description="No effect: ICEYE chooses the pass itself."
    )
    weights: SkipJsonSchema[Weights | None] = Field(
        default=None, title="Weights", description="No effect: ICEYE chooses the pass itself."
    )
    require_approval: bool = Field(
        default=False,
        title="Ask before ordering",
        description=(
            "Stop once ICEYE has told price, what is left of the budget and that it is feasible, and order only after "
            "a person has approved these. ICEYE chooses the pass afterwards."
        ),
    )
    on_rejection: SkipJsonSchema[Literal["wait", "next-candidate"]] = Field(
        default="wait",
        title="When the provider rejects the request",
        description="Leave it at 'wait': ICEYE offers no candidates, and rejects for good.",
    )
    imaging_mode: str | None = Field(
        default=None,
        title="Imaging mode",
        description="One of the contract's modes, e.g. SPOTLIGHT or SCAN. Leave it empty for the contract's default.",
        examples=["SPOTLIGHT"],
    )
    priority: str | None = Field(
        default=None,
        title="Priority",
        description="COMMERCIAL or BACKGROUND, as the contract allows. Leave it empty for the contract's default.",
    )
    sla: str | None = Field(
        default=None,
        title="SLA",
        description="How soon after imaging the first products are due, e.g. SLA_8H. Empty: the contract's default.",
        examples=["SLA_8H"],
    )
    exclusivity: str | None = Field(
        default=None,
        title="Exclusivity",
        description="PRIVATE or PUBLIC, as the contract allows. Leave it empty for the contract's default.",
    )
    eula: str | None = Field(
        default=None,
        title="End user licence",
        description="STANDARD, GOVERNMENT or MULTI, as the contract allows. Empty: the contract's default.",
    )
    incidence_deg: IncidenceRange | None = Field(
        default=None,
        title="Incidence angle",
        description="Smallest and largest incidence angle in whole degrees, within 10 to 45. Empty: as ICEYE sees fit.",
        examples=[[20, 35]],
    )
    look_side: str | None = Field(
        default=None, title="Look side", description="LEFT, RIGHT or ANY. Leaving it open gives more chances."
    )
    pass_direction: str | None = Field(
        default=None,
        title="Pass direction",
        description="ASCENDING, DESCENDING or ANY. Leaving it open gives more chances.",
    )
    product_types: tuple[str, ...] = Field(
        default=(),
        title="Product types",
        description="Which products are made, e.g. GRD, SLC. Leave it empty for what the contract includes.",
        examples=[["GRD", "SLC"]],
    )
    delivery_locations: tuple[DeliveryLocation, ...] = Field(
        default=(),
        title="Delivery locations",
        description="Places of your own that ICEYE delivers to besides the archive. Usually none.",
    )
    webhook_id: str | None = Field(
        default=None, title="Webhook", description="Id of a webhook registered with ICEYE, to be told of changes early."
    )
    contract_id: str | None = Field(
        default=None, title="Contract", description="Id of the contract. Leave it empty for the account's own."
    )
    account: str = Field(
        default="iceye-tasking/default",
        title="Account",
        description="The iceye-tasking block with the credentials, as type/name.",
    )

    @field_validator("imaging_mode", "priority", "sla", "exclusivity", "eula", mode="before")
    @classmethod
    def _open_word(cls, value: object, info: Any) -> object:
        examples = {"imaging_mode": "SPOTLIGHT", "priority": "COMMERCIAL", "sla": "SLA_8H", "exclusivity": "PRIVATE"}
        return word(info.field_name, value, examples.get(info.field_name, "STANDARD"))

    @field_validator("look_side", "pass_direction", mode="before")
    @classmethod
    def _known_word(cls, value: object, info: Any) -> object:
        known = LOOK_SIDES if info.field_name == "look_side" else PASS_DIRECTIONS
        text = word(info.field_name, value, known[0])
        if isinstance(text, str) and text not in known:
            raise InvalidOrder(info.field_name, value, f"choose one of {', '.join(known)}")
        return text

    @field_validator("product_types", mode="before")
    @classmethod
    def _product_words(cls, value: object) -> object:
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            return value
        words = tuple(word("product_types", each, "GRD") for each in value)
        if None in words or len(set(words)) < len(words):
            raise InvalidOrder("product_types", list(value), "name each product once, e.g. GRD, SLC; leave out for all")
        return words

    @field_validator("delivery_locations", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return () if value is None else value

    @field_validator("contract_id", mode="before")
    @classmethod
    def _contract(cls, value: object) -> object:
        return contract_id(value)

    @field_validator("webhook_id", mode="before")
    @classmethod
    def _webhook(cls, value: object) -> object:
        return identifier("webhook_id", value, "a webhook")

    @field_validator("incidence_deg", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        """Also as ICEYE writes it: ``{"min": 20, "max": 35}``."""
        if isinstance(value, dict) and set(value) == {"min", "max"}:
            return (value["min"], value["max"])
        return None if value in ("", [], ()) else value

    @field_validator("incidence_deg")
    @classmethod
    def _incidence_in_range(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        least, most = INCIDENCE_DEG
        if value is not None and not least <= value[0] <= value[1] <= most:
            raise InvalidOrder(
                "incidence_deg",
                list(value),
                f"give [smallest, largest] in whole degrees, the smaller first, within {least} to {most}",
            )
        return value

    @property
    def priority_word(self) -> str | None:
        """The priority, where the order says one; else its quote tells."""
        return self.priority

    @field_validator("on_rejection")
    @classmethod
    def _rejections_are_final(cls, value: str) -> str:
        if value != "wait":
            raise InvalidOrder(
                "on_rejection", value, "ICEYE offers no candidates, and rejects a task for good; leave this out"
            )
        return value

    @model_validator(mode="after")
    def _not_longer_than_ahead(self) -> IceyeOrder:
        if self.window.length > MAX_AHEAD:
            days = self.window.length / timedelta(days=1)
            raise InvalidOrder(
                "window.end",
                iso(self.window.end),
                f"the window is {days:.1f} days long and ICEYE takes tasks that end within {MAX_AHEAD.days} days from "
                "now; end it sooner",
            )
        return self

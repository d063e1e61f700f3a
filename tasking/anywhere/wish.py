"""What an order says that may go to several accounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import CoreSchema

from tasking.display_text import display_text
from tasking.errors import InvalidOrder
from tasking.form import Form
from tasking.ledger import ANYWHERE, OrderRecord
from tasking.order import Order, checked_reference, needed_by_from, refusal
from tasking.window import COUNTED_FROM, iso

LONGEST_REFERENCE = 60
"""Characters; its parts and studies have longer ones, and a provider takes 80."""

OF_ITS_TRY = ("reference", "dry_run")
"""Fields of an order that each try has its own way."""


class Wish(Form):
    """One new image of one target, from whichever of several accounts can bring it. Frozen."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        title="Order anywhere",
        json_schema_extra={"description": "One new image, from whichever of several accounts can bring it."},
    )

    provider: ClassVar[str] = ANYWHERE

    name: str = Field(
        title="Name",
        description="What people call this order, 1 to 100 characters.",
        examples=["Tokyo Bay, December"],
        json_schema_extra={"minLength": 1, "maxLength": 100},
    )
    orders: tuple[SerializeAsAny[Order], ...] = Field(
        title="Orders",
        description=(
            "One order for each account that could bring the image, each with its own fields, the preferred one first. "
            "One of them is placed at a time. Their references and 'When a capture fails' are not used: the next of "
            "these orders is tried then."
        ),
    )
    choose_by: Literal["preference", "best"] = Field(
        default="preference",
        title="Choose by",
        description=(
            "'preference': the first of the orders that can be placed. 'best': the best candidate of all accounts, as "
            "each order ranks its own; let all orders choose by the same then."
        ),
    )
    needed_by: Annotated[datetime, WithJsonSchema({"type": "string"})] | None = Field(
        default=None,
        title="Needed by",
        description=(
            "Until when another account is tried: a moment in full (2026-12-06T00:00:00Z), or so long after the run "
            "was to begin (P5D). What will be late is called off while that is free. It holds for all orders; one "
            "that says an earlier moment keeps that."
        ),
        examples=["2026-12-06T00:00:00Z"],
    )
    hedge: bool = Field(
        default=False,
        title="Two at once",
        description=(
            "Order at two accounts at once. Once one has delivered, the other is called off while that is free; else "
            "it is paid and delivered as well. Beware: both may be paid."
        ),
    )
    mix_sensors: bool = Field(
        default=False,
        title="Mix optical and radar",
        description="Orders for optical and for radar satellites may stand side by side.",
    )
    reference: str | None = Field(
        default=None,
        title="Reference",
        description=(
            "Our unique name for this order: letters, digits, '.', '_' and '-', at most 60. Its parts add a number to "
            "it. Leave it empty to have one made from the run."
        ),
        examples=["tokyo-bay-2026-12"],
    )
    dry_run: SkipJsonSchema[bool] = Field(
        default=False,
        title="Dry run",
        description="Everything but the request: set by the parameter of the same name, and kept with the order.",
    )

    @property
    def archive(self) -> str:
        """The archive of the preferred order."""
        return self.orders[0].archive

    @property
    def site(self) -> str | None:
        """The site, where all orders are for the same one."""
        sites = {one.site for one in self.orders}
        return sites.pop() if len(sites) == 1 else None

    @property
    def account(self) -> str:
        """No account: its orders have one each."""
        return ANYWHERE

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """What is unknown is refused when the order is read; Prefect would refuse what is started again."""
        made = super().__get_pydantic_json_schema__(schema, handler)
        handler.resolve_ref_schema(made).pop("additionalProperties", None)
        return made

    @field_validator("name")
    @classmethod
    def _name_can_be_shown(cls, value: str) -> str:
        return display_text("name", value, 100)

    @field_validator("reference", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("reference")
    @classmethod
    def _reference_can_be_a_folder(cls, value: str | None) -> str | None:
        return checked_reference(value, LONGEST_REFERENCE)

    @field_validator("needed_by", mode="before")
    @classmethod
    def _a_moment_or_a_length(cls, value: object, info: ValidationInfo) -> object:
        return needed_by_from(value, info)

    @model_validator(mode="after")
    def _orders_go_together(self) -> Wish:
        if not self.orders:
            raise InvalidOrder("orders", "(empty)", "give one order at least, each with its account")
        for number, one in enumerate(self.orders):
            if one.most_captures > 1:
                raise InvalidOrder(
                    f"orders[{number}].max_captures",
                    one.most_captures,
                    "each try of an order for several accounts is one capture: leave it at 1, or order the wide area "
                    "at one account",
                )
            if self.needed_by is not None and self.needed_by <= one.window.start:
                raise InvalidOrder(
                    "needed_by",
                    iso(self.needed_by),
                    f"orders[{number}] takes no image before its window starts ({iso(one.window.start)}); give a later "
                    "moment, or that order an earlier window",
                )
        self._refuse_mixed_sensors()
        self._refuse_twins()
        return self

    def _refuse_mixed_sensors(self) -> None:
        kinds = [one.needs_daylight for one in self.orders]
        if self.mix_sensors or len(set(kinds)) < 2:
            return
        optical, radar = kinds.index(True), kinds.index(False)
        raise InvalidOrder(
            "mix_sensors",
            False,
            f"orders[{optical}] ({self.orders[optical].account}) is for optical satellites and orders[{radar}] "
            f"({self.orders[radar].account}) for radar: set mix_sensors to true if either will do, or leave one out",
        )

    def _refuse_twins(self) -> None:
        said = [self.asked_for(number) for number in range(len(self.orders))]
        for number, one in enumerate(said):
            if one in said[:number]:
                raise InvalidOrder(
                    f"orders[{number}]", self.orders[number].account, "is the same order once more; leave it out"
                )

    def order_at(self, number: int, reference: str, *, dry_run: bool = False) -> Order:
        """One of the orders, as it is tried.

        It ends at its first failure and waits out a rejection: what is tried then is decided over all accounts.

        Args:
            number: Its place in ``orders``, from 0.
            reference: Of this try.
            dry_run: It is only studied.
        """
        one = self.orders[number]
        ends = [moment for moment in (one.needed_by, self.needed_by) if moment is not None]
        said = {
            "reference": reference,
            "dry_run": dry_run,
            "on_failure": "end",
            "on_rejection": "wait",
            "needed_by": min(ends, default=None),
        }
        return one.model_copy(update=said)

    def asked_for(self, number: int) -> dict[str, Any]:
        """What a try of one of the orders says, JSON, without what each try has its own way."""
        said = self.order_at(number, "any").model_dump(mode="json")
        return {name: value for name, value in said.items() if name not in OF_ITS_TRY}

    def number_of(self, part: OrderRecord) -> int:
        """Which of the orders a part is a try of; fields that only one of them knows came or went with a version.

        Raises:
            InvalidOrder: It is a try of none of them.
        """
        for number in range(len(self.orders)):
            said = self.asked_for(number)
            if all(part.order[name] == said[name] for name in part.order.keys() & said.keys()):
                return number
        raise InvalidOrder("orders", part.reference, "this part of the order is a try of none of its orders")


def wish_from(kind: type[Wish], data: Mapping[str, Any], counted_from: datetime | None = None) -> Wish:
    """Read an order for several accounts whose ``orders`` are read already.

    Raises:
        InvalidOrder: With one line for each problem.
    """
    try:
        return kind.model_validate(data, context={COUNTED_FROM: counted_from})
    except ValidationError as error:
        raise refusal(error, kind) from None

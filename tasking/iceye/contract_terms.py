"""An order under a contract: what is allowed, what is taken when nothing is said, and the task that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from tasking.clock import ProviderClock
from tasking.errors import InvalidOrder
from tasking.iceye.models import Contract, Terms
from tasking.iceye.order import LEAST_WIDTH, MAX_AHEAD, IceyeOrder
from tasking.lenient import Json
from tasking.window import Window, iso

GETTING_READY = timedelta(minutes=15)
"""From the quote of a new task to its create, at least."""

LEAD = {"COMMERCIAL": timedelta(hours=12), "BACKGROUND": timedelta(hours=24)}
"""How long ahead of its start a window is to be ordered, by priority."""

_PRICED = ("exclusivity", "priority", "sla", "eula")


class ResolvedTerms(BaseModel):
    """An order's words under its contract, in the contract's spelling; what is ``None`` is left out of the task.

    Attributes:
        contract_id: The contract.
        imaging_mode: The mode; a task cannot be without.
        priority, sla, exclusivity, eula: As the order says, if it says so.
        defaults: What ICEYE takes for those the order leaves out, as far as the contract tells.
    """

    model_config = ConfigDict(frozen=True)

    contract_id: str
    imaging_mode: str
    priority: str | None = None
    sla: str | None = None
    exclusivity: str | None = None
    eula: str | None = None
    defaults: dict[str, str] = {}

    def taken(self, field: str) -> str | None:
        """What holds for a field: what the order says, else the contract's default; ``None`` when nobody tells."""
        said: str | None = getattr(self, field)
        return said or self.defaults.get(field)

    @property
    def kept(self) -> dict[str, str]:
        """What a quote is for: contract, mode, and each word that holds, said or not."""
        words = {field: self.taken(field) for field in _PRICED}
        said = {field: word for field, word in words.items() if word is not None}
        return {"contract_id": self.contract_id, "imaging_mode": self.imaging_mode, **said}

    @property
    def open_for_price(self) -> list[str]:
        """The fields a price cannot be asked without and nobody has said."""
        return [field for field in _PRICED if self.taken(field) is None]


def chosen_contract(contracts: Sequence[Contract], wanted: str | None) -> Contract:
    """The contract an order goes to.

    Args:
        contracts: All of the account's.
        wanted: Its id, from the order or the account; ``None`` takes the only one there is.

    Raises:
        InvalidOrder: There is none, none of that id, or more than one to choose from; names them.
    """
    there = listed(contracts)
    if wanted is not None:
        for each in contracts:
            if each.id.lower() == wanted.lower():
                return each
        raise InvalidOrder("contract_id", wanted, f"the account has no such contract; it has: {there}")
    if not contracts:
        raise InvalidOrder("contract_id", "(none)", "the account has no contract; ask ICEYE about it")
    if len(contracts) > 1:
        raise InvalidOrder("contract_id", "(none)", f"the account has several contracts; name one of: {there}")
    return contracts[0]


def listed(contracts: Sequence[Contract]) -> str:
    """Contracts by name and id, for a person."""
    return "; ".join(each.shown for each in contracts[:20]) or "none"


def terms_by_field(contract: Contract) -> dict[str, Terms]:
    """What a contract says of each word but the mode."""
    return {
        "priority": contract.priority,
        "sla": contract.sla,
        "exclusivity": contract.exclusivity,
        "eula": contract.eula,
    }


def what_it_allows(contract: Contract) -> tuple[str, ...]:
    """A contract's words by field, for a person."""
    found = []
    for field, terms in {"imaging_mode": contract.imaging_modes, **terms_by_field(contract)}.items():
        default = f" (else {terms.default})" if terms.default else ""
        if terms.allowed or default:
            found.append(f"{field}: {', '.join(terms.allowed)}{default}")
    if contract.start is not None and contract.end is not None:
        found.append(f"from {iso(contract.start)} to {iso(contract.end)}")
    return tuple(found)


def agreed(order: IceyeOrder, contract: Contract) -> ResolvedTerms:
    """The order's words under a contract.

    Raises:
        InvalidOrder: The contract does not allow one of them; says what it allows.
    """
    by_field = terms_by_field(contract)
    mode = _allowed("imaging_mode", order.imaging_mode, contract.imaging_modes, contract)
    mode = mode or contract.imaging_modes.taken
    if mode is None:
        allowed = ", ".join(contract.imaging_modes.allowed) or "those of your contract"
        fix = f"contract {contract.shown} has no default; name one of {allowed}"
        raise InvalidOrder("imaging_mode", "(none)", fix)
    said = {field: _allowed(field, getattr(order, field), terms, contract) for field, terms in by_field.items()}
    defaults = {field: terms.taken for field, terms in by_field.items()}
    return ResolvedTerms(
        contract_id=contract.id,
        imaging_mode=mode,
        defaults={field: default for field, default in defaults.items() if default is not None},
        **said,
    )


def _allowed(field: str, said: str | None, terms: Terms, contract: Contract) -> str | None:
    """What was said, in the contract's spelling; a contract that lists nothing for a field leaves it to ICEYE."""
    if said is None or not terms.allowed:
        return said
    for each in terms.allowed:
        if each.upper() == said.upper():
            return each
    raise InvalidOrder(field, said, f"contract {contract.shown} allows {', '.join(terms.allowed)}")


def task_body(
    order: IceyeOrder, terms: ResolvedTerms, reference: str | None = None, webhook_id: str | None = None
) -> Json:
    """The task an order becomes: the same for the feasibility check and for the create. What is not set is left out.

    Args:
        order: The order.
        terms: From `agreed`, or `tasking.iceye.quote.still_as_quoted`.
        reference: Our label, by which the task is found again; at most 256 characters.
        webhook_id: The account's own, for an order that names none.
    """
    body: Json = {
        "contractID": terms.contract_id,
        "imagingMode": terms.imaging_mode,
        "pointOfInterest": {"lat": order.point.lat, "lon": order.point.lon},
        "acquisitionWindow": {"start": iso(order.window.start), "end": iso(order.window.end)},
    }
    optional: Json = {
        "reference": reference,
        "exclusivity": terms.exclusivity,
        "priority": terms.priority,
        "sla": terms.sla,
        "eula": terms.eula,
        "lookSide": order.look_side,
        "passDirection": order.pass_direction,
        "productTypes": list(order.product_types),
    }
    body |= {key: value for key, value in optional.items() if value}
    if order.incidence_deg is not None:
        least, most = order.incidence_deg
        body["incidenceAngle"] = {"min": least, "max": most}
    if webhook := order.webhook_id or webhook_id:
        body["notifications"] = {"webhook": {"id": webhook}}
    if order.delivery_locations:
        locations: list[Json] = []
        for each in order.delivery_locations:
            sub_path = {"subPath": each.sub_path} if each.sub_path else {}
            locations.append({"configID": each.config_id, "path": each.path, **sub_path})
        body["deliveries"] = [{"locations": locations}]
    return body


def refuse_dates(order: IceyeOrder, clock: ProviderClock) -> None:
    """Refuse a window that starts in the past, or ends more than 14 days ahead; both are documented.

    The latter is ICEYE's to say while its clock and ours contradict each other.

    Args:
        order: The order.
        clock: The provider's.

    Raises:
        InvalidOrder: Says what would be right.
    """
    now = clock.now()
    order.window.refuse_if_past(now)
    moment = now.replace(microsecond=0)
    if order.window.start < now:
        raise InvalidOrder(
            "window.start",
            iso(order.window.start),
            f"is past (it is {iso(moment)}), and ICEYE documents 12 hours of lead; start it at "
            f"{iso(moment + LEAD['COMMERCIAL'] + timedelta(minutes=1))} or later",
        )
    if clock.agrees and order.window.end > now + MAX_AHEAD:
        raise InvalidOrder(
            "window.end",
            iso(order.window.end),
            f"ICEYE takes windows that end within {MAX_AHEAD.days} days from the order; end it by "
            f"{iso(moment + MAX_AHEAD)}, or order later",
        )


def warnings(order: IceyeOrder, priority: str | None, now: datetime) -> tuple[str, ...]:
    """Documented rules of the window that the order breaks, and ICEYE's own examples too: ICEYE decides.

    Args:
        order: The order.
        priority: What holds for it; ``None`` counts as COMMERCIAL.
        now: The provider's time.
    """
    found = []
    if order.window.length < LEAST_WIDTH:
        hours = order.window.length / timedelta(hours=1)
        found.append(
            f"the window is {hours:.1f} hours long and ICEYE documents 24 at least; end it at "
            f"{iso(order.window.start + LEAST_WIDTH)} or later"
        )
    lead = LEAD.get(priority or "COMMERCIAL", LEAD["COMMERCIAL"])
    if order.window.start - now < lead:
        hours, named = lead / timedelta(hours=1), priority or "COMMERCIAL"
        earliest = (now + lead + timedelta(minutes=1)).replace(microsecond=0)
        found.append(
            f"the window starts at {iso(order.window.start)} and ICEYE documents {hours:.0f} hours of lead for "
            f"{named}; start it at {iso(earliest)} or later"
        )
    return tuple(found)


def what_would_help(order: IceyeOrder) -> str:
    """What makes an infeasible order more likely to be scheduled, for a person."""
    ways = []
    if order.incidence_deg not in (None, (10, 45)):
        ways.append(f"a wider incidence range than {order.incidence_deg[0]} to {order.incidence_deg[1]} degrees")
    if order.look_side in ("LEFT", "RIGHT"):
        ways.append("both look sides")
    if order.pass_direction in ("ASCENDING", "DESCENDING"):
        ways.append("both pass directions")
    ways.append("a longer or later window (it may end up to 14 days from now)")
    ways.append("another imaging mode")
    return f"Order again with {', '.join(ways[:-1])} or {ways[-1]}."


def rest_of_window(order: IceyeOrder, quoted: Mapping[str, str] | None, now: datetime) -> Window | None:
    """The window of a new task after one that came to nothing; ``None`` when the documented rules leave none.

    It begins on the hour, so that of two processes both ask for the same.

    Args:
        order: The order.
        quoted: What the task before was quoted with.
        now: The provider's time.
    """
    priority = order.priority or (quoted or {}).get("priority") or "COMMERCIAL"
    soonest = now + LEAD.get(priority, LEAD["BACKGROUND"]) + GETTING_READY
    on_the_hour = soonest.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    start = max(order.window.start, on_the_hour)
    return Window(start=start, end=order.window.end) if order.window.end - start >= LEAST_WIDTH else None

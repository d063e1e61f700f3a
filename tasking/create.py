"""Never twice: how anything is created at a provider.

No provider documents an idempotency key, so every create follows one rule:

1. The reference travels in the create (the ``label``), so that what it made can be found again.
2. Look: if something with our label is there, adopt it.
3. Announce the create in the ledger, durably, before it is sent. Only one process can announce it.
4. Send it once. A clear yes or a clear no is recorded.
5. Anything else leaves the announcement without an outcome. So does a process that died. Whoever comes next waits out
   the settle time, looks several times, and adopts what appears. Only when it stayed absent throughout is it announced
   and sent again: the settle time is over by the provider's clock and by our own, and it was not there in three looks
   that lie apart. Both clocks count seconds as they are: nothing that a server says makes the settle time shorter.
6. A yes that comes after all that, to a process that outlived it, is never thrown away: the order holds what it made,
   nothing more is sent under its label, and a person is told. A no that comes so late says nothing about the order.
7. What keeps us from looking (credentials, a gateway's 4xx), or something under our label that asks for something else,
   says nothing about a create without an outcome: it is waited out, and never taken for the create's own no.

The honest limit is the settle time: it must be longer than our own timeouts plus the longest time the provider's lists
lag behind a create.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tasking.errors import CredentialsRefused, ReferenceTaken, Refused, Unavailable, Uncertain, UnexpectedAnswer
from tasking.http.deadline import Stopwatch, announced
from tasking.ledger import Intent, Ledger, OrderRecord
from tasking.provider import Provider
from tasking.waiting import Wait, format_utc

T = TypeVar("T")

LOOKS = 3
"""How often an uncertain create is looked for before it counts as not arrived, at least."""

APART = 0.75
"""Only looks that lie so much of the time between two looks apart are counted, at least."""


def create_once(
    ledger: Ledger,
    provider: Provider,
    reference: str,
    verb: str,
    label: str,
    *,
    find: Callable[[], T | None],
    create: Callable[[], T],
    made: Callable[[T], dict[str, Any]],
    still_wished: Callable[[OrderRecord], bool] = lambda _now: True,
) -> T | Wait:
    """Create something exactly once, however often this is called.

    Args:
        ledger: Where the announcement is kept.
        provider: Whose clock decides.
        reference: Our reference of the order.
        verb: ``plan`` or ``request``.
        label: What the create carries.
        find: Looks for it at the provider.
        create: Sends the create, once.
        made: The ledger's columns that follow from what was made.
        still_wished: Whether the order asks for it in the moment in which it is announced.

    Returns:
        What was made or adopted, or a `Wait` while the outcome settles.

    Raises:
        Refused: A clear no.
        ReferenceTaken: Something else stands under the label, and nothing was announced.
        Unavailable: It was not sent, or looking failed; nothing was made by this call.
        UnexpectedAnswer: What stands under the label since a request without an outcome is not what was ordered.
        OrderEnded: A person asked to cancel meanwhile.
    """
    intent = ledger.open_intent(reference, verb, label)
    if intent is not None:
        with _looking(ledger, reference, verb, label):
            settled = _settle(ledger, provider, reference, intent, find, made)
        if settled is not None:
            return settled
    with _looking(ledger, reference, verb, label):
        there = find() if intent is None else None
        provider.learn_time()  # the settle time is counted in it
    begun = Stopwatch()  # from here on others count the settle time
    intent = ledger.record_intent(reference, verb, label, provider.clock.now(), _our_time(provider), still_wished)
    if intent is None and there is not None:  # another process of ours made it
        theirs = ledger.open_intent(reference, verb, label)
        if theirs is None or not ledger.close_intent(reference, theirs, "adopted", _found(verb, label), **made(there)):
            ledger.record(reference, **made(there))
        return there
    if intent is None:  # another process of ours is at it, or has made it just now
        return _look_again(provider, None, verb, label)
    if there is not None:
        _keep(ledger, reference, intent, "adopted", _found(verb, label), made(there))
        return there
    asleep = max(_our_time(provider) - (intent.ours or intent.at), timedelta(seconds=begun.seconds))
    if asleep > _between_looks(provider):
        # this process was asleep between announcing and sending; somebody may be settling it by now
        return _look_again(provider, intent, verb, label)
    try:
        with announced(begun):
            thing = create()
    except (Refused, Unavailable) as no:
        if not ledger.close_intent(reference, intent, "refused", f"The {verb} was not made: {_why(no)}"):
            # another process found it, or sent it again, meanwhile: this no is not about that
            return _look_again(provider, None, verb, label)
        raise
    except Uncertain as unknown:
        ledger.record(reference, f"{verb} uncertain", f"No clear answer to the {verb} {label}: {unknown}")
        return _look_again(provider, intent, verb, label)
    _keep(ledger, reference, intent, "made", f"The {verb} {label} was made", made(thing))
    return thing


def settle(
    ledger: Ledger,
    provider: Provider,
    reference: str,
    intent: Intent,
    *,
    find: Callable[[], T | None],
    made: Callable[[T], dict[str, Any]],
) -> T | Wait | None:
    """What became of an announced create that nobody will send again; see `create_once`.

    Returns:
        What was found and adopted; a `Wait` while the outcome settles; ``None`` when it never arrived.
    """
    with _looking(ledger, reference, intent.verb, intent.label):
        return _settle(ledger, provider, reference, intent, find, made)


def _keep(ledger: Ledger, reference: str, intent: Intent, outcome: str, message: str, fields: dict[str, Any]) -> None:
    """Write down what stands at the provider, also when another outcome was written before."""
    if ledger.close_intent(reference, intent, outcome, message, **fields):
        return
    said = (
        f"The {intent.verb} {intent.label} announced at {format_utc(intent.at)} was made after all: its answer came "
        "when its outcome had been written down already"
    )
    if intent.verb == "request":
        said += (
            ". It is paid and will be delivered. If it was sent again meanwhile, both stand, are paid and delivered: "
            "ask the provider whether one can be called off"
        )
    ledger.made_late(reference, intent, said, **fields)


def _found(verb: str, label: str) -> str:
    return f"Found the {verb} {label} at the provider"


@contextmanager
def _looking(ledger: Ledger, reference: str, verb: str, label: str) -> Iterator[None]:
    """Looking that fails while a create has no outcome is waited out: the order may stand at the provider."""
    try:
        yield
    except Refused as no:
        if ledger.open_intent(reference, verb, label) is None:
            raise
        raise Unavailable(f"It cannot be seen yet whether the {verb} {label} arrived: {no}") from no
    except ReferenceTaken as taken:
        # a plan costs nothing, so that one may be left there
        if verb != "request" or ledger.open_intent(reference, verb, label) is None:
            raise ReferenceTaken(f"{taken}. Order again under a reference of its own.") from taken
        raise UnexpectedAnswer(
            f"A person should look: the {verb} {label} got no clear answer, and {taken}. It is probably this very "
            "order, changed there, so do not order again. Made as it was ordered, it is taken up; to give up this "
            "order, cancel its run"
        ) from taken


def _settle(
    ledger: Ledger,
    provider: Provider,
    reference: str,
    intent: Intent,
    find: Callable[[], T | None],
    made: Callable[[T], dict[str, Any]],
) -> T | Wait | None:
    """What became of an announced create: the thing, a wait, or ``None`` when it never arrived."""
    provider.learn_time()
    asked_at = provider.clock.now()
    there = find()
    if there is not None:
        said = f"The {intent.verb} {intent.label} had arrived: found at the provider"
        _keep(ledger, reference, intent, "adopted", said, made(there))
        return there
    looks = ledger.looked(reference, intent, _our_time(provider), _between_looks(provider) * APART)
    if looks < LOOKS or not _settled(provider, intent, asked_at):
        return _look_again(provider, intent, intent.verb, intent.label)
    ledger.close_intent(
        reference,
        intent,
        "absent",
        f"The {intent.verb} {intent.label} announced at {format_utc(intent.at)} never arrived; it may be made again",
    )
    return None


def _settled(provider: Provider, intent: Intent, asked_at: datetime) -> bool:
    """Whether the settle time is over by both clocks; one that went back since the announcement says nothing.

    A provider's answers may come from hosts whose clocks differ, and ours may be set.
    """
    settle = timedelta(seconds=provider.settle_seconds)
    passed = [asked_at - intent.at]
    if intent.ours is not None:
        passed.append(_our_time(provider) - intent.ours)
    return all(one >= settle for one in passed if one >= timedelta()) and any(one >= timedelta() for one in passed)


def _our_time(provider: Provider) -> datetime:
    return provider.clock.local(provider.clock.now())


def _between_looks(provider: Provider) -> timedelta:
    """The time between two looks."""
    return timedelta(seconds=provider.settle_seconds / LOOKS)


def _look_again(provider: Provider, intent: Intent | None, verb: str, label: str) -> Wait:
    now = _our_time(provider)
    when = now + max(_between_looks(provider), timedelta(seconds=1))
    since = now if intent is None else intent.ours or intent.at
    settled = max(when, since + timedelta(seconds=provider.settle_seconds))
    message = f"Looking whether the {verb} {label} arrived, until {format_utc(settled)}: no clear answer"
    return Wait(until=when, waits_for="settling", message=message)


def _why(no: Refused | Unavailable) -> str:
    if isinstance(no, CredentialsRefused):
        return f"credentials refused ({no})"
    return str(no)
